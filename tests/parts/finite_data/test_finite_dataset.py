"""What all finite data share: standardization, digests, memory, findings on splits, balanced accuracy."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from command_line import normbench
from hypothesis import given, settings
from hypothesis import strategies as st
from parts.finite_data.csv_tables import csv_spec, table, usual
from parts.finite_data.reading_files import written

from normbench.datasets.digits import DigitsSpec
from normbench.errors import DataError, RunFailedError
from normbench.finite_data import memory, standardization
from normbench.finite_data.bundled import load_bundled
from normbench.finite_data.digests import content_digest, row_digests
from normbench.finite_data.standardization import fit_standardization
from normbench.inspection.class_scores import balanced_accuracy
from normbench.storage.identity import RunIdentity
from normbench.training.changed_data import refuse_changed_data

STUDY = "dataset: {name: csv, file: data.csv, target: ill}\nmodel: {name: mlp, hidden_features: [4]}\nnum_steps: 4\n"


@pytest.mark.parametrize("shape", [(40, 3), (40, 3, 5), (40, 3, 4, 5)])
@pytest.mark.parametrize("at_once", [1, 7, 2**22])
def test_each_feature_or_channel_has_mean_0_and_std_1_on_the_training_rows(monkeypatch, shape, at_once):
    monkeypatch.setattr(standardization, "NUMBERS_AT_ONCE", at_once)
    x = np.random.default_rng(0).normal([1e6, -3, 1e-9], [1e-2, 50, 1e-12], (*shape[:1], *shape[2:], 3))
    x = np.moveaxis(x, -1, 1)
    train = np.arange(5, 35)
    found = fit_standardization(x, train).apply(x, train)
    axes = (0, *range(2, x.ndim))
    assert found.dtype == np.float32
    assert found.mean(axes) == pytest.approx([0, 0, 0], abs=1e-5)
    assert found.std(axes) == pytest.approx([1, 1, 1], abs=1e-5)


@pytest.mark.parametrize("constant", [0.0, 0.1, 1 / 3, -7e8])
def test_what_is_constant_on_training_rows_is_0_in_all(constant):
    """The std that is computed of thirty times 0.1 is no 0."""
    x = np.full((40, 1), constant)
    x[35:] += 5
    assert set(fit_standardization(x, np.arange(30)).apply(x, np.arange(40)).ravel()) == {0.0}


@given(st.lists(st.integers(0, 3), min_size=2, max_size=30), st.integers(0, 9))
@settings(max_examples=50, deadline=None)
def test_rows_have_equal_digests_where_they_are_equal(values, shift):
    x = np.array(values)[:, None] * 0.1 + np.array([[0.0, 7.0 + shift]])
    y = np.array(values) % 2
    found = row_digests([x, y])
    assert (found[:, None] == found).tolist() == [[a == b for b in values] for a in values]


def test_a_digest_is_of_types_shapes_names_and_values():
    base = {"x": np.arange(6.0).reshape(2, 3), "names": ["a", "b"]}
    others = [
        base | {"x": base["x"].astype(np.float32)},
        base | {"x": base["x"].reshape(3, 2)},
        base | {"x": base["x"] + np.eye(2, 3)},
        base | {"names": ["a", "c"]},
        {"z": base["x"], "names": ["a", "b"]},
    ]
    same = [base, base | {"x": np.asfortranarray(base["x"])}, base | {"x": base["x"].astype(">f8")}]
    assert len({content_digest(one) for one in same}) == 1
    assert len({content_digest(one) for one in [base, *others]}) == 6


def test_repeated_rows_in_train_and_test_are_counted_over_all_folds():
    spec = csv_spec(usual() + usual(1).splitlines()[1] + "\n")
    tested = [spec.split_of(seed) for seed in range(8)]
    count = sum(sum(twin in split["test"] and 40 - twin in split["train"] for twin in (0, 40)) for split in tested)
    (what,) = [one.what for one in spec.findings() if "equal to" in one.what]
    assert what == f"in 8 folds {count} rows that are tested are equal to rows of train"


def test_uneven_classes_and_fewer_folds_are_said():
    text = table("x,ill", lambda i: (i / 3, "sick" if i < 5 else "well"), 50)
    found = [one.what for one in csv_spec(text).findings()]
    assert found == [
        "5 folds: the default 8 does not fit, class 'sick' has 5 rows",
        "class 'well' has 90 % of the rows, which is the accuracy of saying it always",
    ]
    assert csv_spec(text).finite.num_folds == 5
    said = csv_spec(text, splits={"folds": 10})
    assert said.finite.num_folds == 10
    assert "fewer than the 10 folds" in said.findings()[0].what


def test_balanced_accuracy_is_the_mean_over_classes():
    targets = torch.tensor([0] * 8 + [1] * 2 + [3])
    said = torch.tensor([0] * 6 + [1] * 2 + [1, 0] + [3])
    assert balanced_accuracy(said, targets) == pytest.approx((6 / 8 + 1 / 2 + 1) / 3)
    assert balanced_accuracy(targets * 0, targets) == pytest.approx(1 / 3)


def test_a_run_has_balanced_accuracy_and_tells_what_the_data_are():
    written(usual())
    Path("study.yaml").write_text(STUDY)
    answer = normbench("run", "study.yaml", "--quiet", "--json")
    assert answer.code == 0, answer.err
    (folder,) = Path("runs/study").glob("*/seed-0")
    header = (folder / "metrics.csv").read_text().splitlines()[0].split(",")
    assert {"train_balanced_accuracy", "validation_balanced_accuracy", "test_balanced_accuracy"} <= set(header)
    summary = (folder / "summary.json").read_text()
    assert '"num_rows": 40' in summary
    assert '"test_balanced_accuracy": 0.5' in summary
    written(usual(44))
    again = normbench("run", "study.yaml", "--quiet", "--json")
    assert again.code == 0, again.err
    assert len(list(Path("runs/study").glob("*/seed-0"))) == 2, "other data are another arm"


def test_data_that_changed_since_the_command_began_are_not_trained_on():
    spec = csv_spec(usual())
    known = RunIdentity(settings={}, device="cpu", digests=spec.digests())
    refuse_changed_data(spec, known)
    written(usual(44))
    with pytest.raises(RunFailedError, match="must stay as it was when the command began, it changed"):
        refuse_changed_data(spec, known)


def test_data_of_ones_own_that_change_are_told_to_seed_what_they_draw():
    spec = csv_spec(usual()).model_copy(update={"name": "own"})
    with pytest.raises(RunFailedError, match="a source that draws must seed what it draws"):
        refuse_changed_data(spec, RunIdentity(settings={}, device="cpu", digests={}))


def test_all_mistakes_of_the_data_are_lines_of_the_study_file():
    written("a,b,ill\n1,2,no\n1,x,yes\n2,3\n")
    Path("study.yaml").write_text(STUDY)
    answer = normbench("run", "study.yaml")
    assert answer.code == 2
    lines = answer.err.splitlines()
    assert [line.partition(": data.csv")[0] for line in lines] == ["study.yaml:1: dataset.file"] * 2
    assert not Path("runs").exists()


def test_data_beyond_the_memory_of_all_jobs_are_refused_with_the_figure(monkeypatch):
    written(usual(400))
    Path("study.yaml").write_text(STUDY + "seeds: 8\n")
    monkeypatch.setattr(memory, "free_bytes", lambda: 150_000)
    alone = normbench("run", "study.yaml", "--dry-run")
    assert alone.code == 0, alone.err
    answer = normbench("run", "study.yaml", "--jobs", "4")
    assert answer.code == 2
    assert answer.err.startswith("study.yaml: dataset: needs ")
    assert "in each of 4 processes, at most a quarter of the 150 KB of free memory may be used" in answer.err


def test_free_memory_is_the_machines_or_a_containers(monkeypatch, tmp_path):
    (tmp_path / "meminfo").write_text("MemTotal: 9000 kB\nMemAvailable: 3000 kB\n")
    monkeypatch.setattr(memory, "_MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(memory, "_GROUP", tmp_path)
    assert memory.free_bytes() == 3000 * 1024
    for name, text in {"memory.max": "2000", "memory.current": "1500", "memory.stat": "anon 1\nfile 400\n"}.items():
        (tmp_path / name).write_text(text)
    assert memory.free_bytes() == 900
    (tmp_path / "memory.max").write_text("max")
    assert memory.free_bytes() == 3000 * 1024
    (tmp_path / "meminfo").unlink()
    assert memory.free_bytes() is None
    assert memory.too_large_text(1e30) == ""


def test_without_scikit_learn_its_data_are_refused_with_the_line_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(DataError) as refusal:
        load_bundled("wine", "load_wine")
    assert str(refusal.value) == (
        "dataset.name: needs scikit-learn, which brings these data along, got 'wine'. "
        "Install it: pip install scikit-learn"
    )


def test_digits_are_images_of_one_channel():
    assert (DigitsSpec().input_shape, DigitsSpec().output_shape, DigitsSpec().finite.unit) == (
        (1, 8, 8),
        (10,),
        "images",
    )
