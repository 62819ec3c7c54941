"""Columns of CSV tables: how numbers, names, gaps, groups, parts and targets reach a network."""

import numpy as np
import pytest
import torch
from parts.finite_data.csv_tables import GAPS, NUM_ROWS, csv_spec, table, usual
from parts.finite_data.reading_files import spec_of, written


def test_numbers_are_standardized_by_training_rows_and_names_are_columns_of_0_and_1():
    spec = csv_spec(usual())
    dataset, chosen = spec.build(3), spec.split_of(3)
    sizes = np.arange(NUM_ROWS) ** 2 * 0.5
    train = sizes[chosen["train"]]
    for name, split in dataset.splits().items():
        expected = (sizes[chosen[name]] - train.mean()) / train.std()
        assert split.x[:, 0].numpy() == pytest.approx(expected, abs=1e-6)
        assert split.x[:, 1:].tolist() == np.eye(3)[[(1, 2, 0).index(i % 3) for i in chosen[name]]].tolist()
        assert split.y.tolist() == [i % 2 for i in chosen[name]]
    assert spec.rows.class_names == ("no", "yes")
    assert spec.rows.levels == (("blue", "green", "red"),)


@pytest.mark.parametrize("settings", [{"categories": ["zip"]}, {"numbers": ["zip"]}, {"ignore": ["zip"]}])
def test_a_code_is_taken_as_it_is_said(settings):
    spec = csv_spec(table("zip,x,ill", lambda i: (f"0{i % 4}", i / 3, "ny"[i % 2])), **settings)
    assert spec.mistakes() == []
    assert spec.input_shape == {"categories": (5,), "numbers": (2,), "ignore": (1,)}[next(iter(settings))]


@pytest.mark.parametrize("fill", ["median", "mean"])
def test_gaps_in_numbers_are_filled_by_the_training_rows(fill):
    spec = csv_spec(GAPS, missing={"values": ["?"], "fill": fill}, standardize=False)
    chosen, dataset = spec.split_of(1), spec.build(1)
    middle = getattr(np, fill)([i * i for i in chosen["train"] if i % 4 != 1])
    for name, split in dataset.splits().items():
        expected = [middle if i % 4 == 1 else i * i for i in chosen[name]]
        assert split.x[:, 0].numpy() == pytest.approx(np.array(expected, dtype=float), rel=1e-6)
    assert spec.rows.levels == (("blue", "green", "red", "(missing)"),)
    assert any("missing values are filled: size 10, colour 8" in finding.what for finding in spec.findings())


def test_a_category_of_their_own_gives_numbers_a_column_that_says_where():
    spec = csv_spec(GAPS, missing={"values": ["?"], "fill": "own_category"})
    train, chosen = spec.build(0).train, spec.split_of(0)["train"]
    assert train.x[:, 1].tolist() == [float(i % 4 == 1) for i in chosen]
    assert train.x[train.x[:, 1] == 1, 0].abs().max() < 1e-6, "the mean of the training rows"


def test_rows_with_gaps_are_left_out_also_without_a_target():
    spec = csv_spec(GAPS + "5,red,\n", missing={"values": ["?"], "fill": "drop_row"})
    assert spec.num_samples == sum(1 for i in range(NUM_ROWS) if i % 4 != 1 and i % 5 != 2)
    assert any("rows with missing values are left out" in finding.what for finding in spec.findings())


def test_a_name_that_no_training_row_has_is_all_zeros_and_counted():
    text = usual() + "3,violet,no\n"
    spec = csv_spec(text)
    for seed in range(spec.finite.num_folds):
        dataset, chosen = spec.build(seed), spec.split_of(seed)
        is_trained = NUM_ROWS in chosen["train"]
        for name, split in dataset.splits().items():
            for row, x in zip(chosen[name], split.x, strict=True):
                assert x[1:].sum() == float(is_trained or row < NUM_ROWS)
    (finding,) = [one for one in spec.findings() if "name that no training row has" in one.what]
    assert finding.what.startswith("in 8 folds 1 rows")


def test_no_group_is_in_two_sets_and_groups_are_no_feature():
    spec = csv_spec(table("patient,x,ill", lambda i: (i // 4, i / 3, "ny"[i // 4 % 2])), group="patient")
    assert spec.input_shape == (1,)
    for seed in range(8):
        sets = [set(chosen // 4) for chosen in spec.split_of(seed).values()]
        assert sum(map(len, sets)) == 10


def test_what_is_known_of_a_patient_is_worth_nothing_for_another():
    """60 patients of 10 rows each, whose target is drawn apart from what is measured of them."""
    rng = np.random.default_rng(0)
    of_patient, ill = rng.normal(size=(60, 6)), rng.integers(0, 2, 60)
    x = of_patient.repeat(10, axis=0) + rng.normal(0, 0.05, size=(600, 6))
    text = table("patient,a,b,c,d,e,f,ill", lambda i: (i // 10, *x[i].round(4), "ny"[ill[i // 10]]), 600)
    apart, mixed = (
        np.mean([_share_found_by_the_nearest(csv_spec(text, **settings).build(seed)) for seed in range(8)])
        for settings in ({"group": "patient"}, {"ignore": ["patient"]})
    )
    assert 0.35 < apart < 0.65
    assert mixed > 0.99


def _share_found_by_the_nearest(dataset):
    nearest = torch.cdist(dataset.test.x, dataset.train.x).argmin(dim=1)
    return float((dataset.train.y[nearest] == dataset.test.y).double().mean())


def test_a_column_that_comes_back_with_the_same_target_is_told():
    text = table("patient,x,ill", lambda i: (i % 12, i / 7, "ny"[i % 12 % 2]), 60)
    warned = [one.what for one in csv_spec(text).findings() if one.level == "warning"]
    assert warned == ["column 'patient' may be a group: each of its 12 values always has the same target"]
    ignored = csv_spec(text, ignore=["patient"])
    assert [one.what for one in ignored.findings() if one.level == "warning"] == warned, (
        "its rows still belong together"
    )
    assert ignored.input_shape == (1,)
    assert not [one for one in csv_spec(text, group="patient").findings() if "may be a group" in one.what]
    by_chance = table("age,x,ill", lambda i: (i % 12, i / 7, "ny"[i % 2] if i else "y"), 60)
    assert not [one for one in csv_spec(by_chance).findings() if "may be a group" in one.what]


def test_parts_come_from_a_column_or_from_files():
    text = table("x,part,ill", lambda i: (i / 3, ("train", "train", "test", "val")[i % 4], "ny"[i // 4 % 2]))
    spec = csv_spec(text, split_column="part")
    assert spec.finite.splits == "fixed"
    assert [len(rows) for rows in spec.split_of(5).values()] == [20, 10, 10]
    files = {"train": written(usual(), "a.csv"), "test": written(usual(12), "b.csv")}
    spec = spec_of("csv", file=files, target="ill")
    assert [len(rows) for rows in spec.split_of(0).values()] == [32, 8, 12]
    assert any("rows that are tested are equal to rows of train" in one.what for one in spec.findings())
    assert spec_of("csv", file=files, target="ill", splits="folds").finite.splits == "folds"


def test_a_target_of_numbers_is_what_the_task_says():
    text = table("x,ill", lambda i: (i / 3, (2, 10, 1)[i % 3]))
    classes, numbers = (csv_spec(text, task=task) for task in ("classification", "regression"))
    assert classes.rows.class_names == ("1", "2", "10")
    assert classes.output_shape == (3,)
    train = numbers.build(0).train.y
    assert train.mean().item() == pytest.approx(0, abs=1e-6)
    assert train.std(correction=0).item() == pytest.approx(1)
    assert numbers.output_shape == (1,)
    plain = csv_spec(text, task="regression", standardize_target=False).build(0).train.y
    assert set(plain.ravel().tolist()) == {1.0, 2.0, 10.0}
    assert csv_spec(table("x,ill", lambda i: (i / 3, i % 2))).rows.class_names == ("0", "1")
