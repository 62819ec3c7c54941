"""Arms side by side, from made-up files: means, spread, what differs, diverged runs, JSON and CSV."""

import csv
import json
import math
import statistics
from io import StringIO
from pathlib import Path

import pytest
from formats import in_format
from made_up_runs import make_arm, make_run, make_study, std_rows

from normbench.errors import ComparisonError, RunFolderError
from normbench.evidence.comparison.comparison import compare_runs, compare_study
from normbench.evidence.comparison.rows import SeedSummary
from normbench.evidence.metrics.scales import mean_interval
from normbench.report.blocks.comparison import footnote
from normbench.report.blocks.next_steps import evidence_block, evidence_commands
from normbench.storage.study_folder import read_study

LOSSES = {"none": (1.0, 3.0, 2.0), "batch_norm": (0.5, 0.5, 0.8)}
STEPS = [(0, "", 9.0), (4, 7.0, 5.0), (8, 3.0, 4.0), (20, 2.5, 2.0)]  # an epoch has 4 steps
ROWS = [{"step": step, "batch_loss_max": batch, "train_loss": loss} for step, batch, loss in STEPS]


@pytest.fixture
def study():
    """Two arms of three seeds each."""
    folder = make_study(arms=LOSSES)
    for arm, losses in LOSSES.items():
        made = make_arm(folder, arm, norm=arm, dropout=0.0, changed=["norm"])
        for seed, loss in enumerate(losses):
            make_run(made, seed, [{"step": 0, "test_loss": 9.0}, {"step": 20, "test_loss": loss}])
    return folder


def figure(metric, *rows, **summary):
    """The figure of one arm with one run per list of rows."""
    folder = make_study(arms=["none"])
    made = make_arm(folder)
    for seed, metrics in enumerate(rows):
        make_run(made, seed, metrics, **summary)
    return compare_study(read_study(folder)).rows[0].figures[metric]


def test_an_arm_is_its_mean_and_the_std_of_its_seeds(study):
    found = {row.arm: row.figures["test_loss"] for row in compare_study(read_study(study)).rows}
    assert (found["none"].n, found["none"].mean, found["none"].std) == (3, 2.0, 1.0)
    assert (found["none"].low, found["none"].high) == mean_interval("test_loss", LOSSES["none"])
    assert found["batch_norm"].std == pytest.approx(statistics.stdev(LOSSES["batch_norm"]), rel=1e-12)


def test_one_seed_has_neither_std_nor_interval():
    assert SeedSummary.of([3.0], "test_loss") == SeedSummary((3.0,), 1, 3.0, None, None, None)


def test_arms_stand_in_the_order_of_the_study(study):
    found = compare_study(read_study(study))
    assert [(row.arm, row.seeds, row.num_parameters) for row in found.rows] == [
        ("none", (0, 1, 2), 1234),
        ("batch_norm", (0, 1, 2), 1234),
    ]
    assert (found.study, found.question, found.is_evidence) == ("made_up", "Is it made up?", True)


def test_only_what_differs_is_named(study):
    assert compare_study(read_study(study)).differing == ["norm"]


def test_a_setting_nobody_set_does_not_count_as_differing():
    folder = make_study(arms=["a", "b"])
    make_run(make_arm(folder, "a", norm="group_norm", norm__eps=1e-5, changed=["norm"]))
    make_run(make_arm(folder, "b", norm="none", changed=[]))
    assert compare_study(read_study(folder)).differing == ["norm"]


def test_cpu_time_is_the_mean_over_seeds():
    folder = make_study(arms=["none"])
    made = make_arm(folder)
    for seed, seconds in enumerate((0.001, 0.003, None)):
        make_run(made, seed, cpu_s_per_step=seconds)
    assert compare_study(read_study(folder)).rows[0].cpu_ms_per_step == pytest.approx(2.0, rel=1e-12)


@pytest.mark.parametrize(
    ("losses", "counted"),
    [((1.0, math.nan), 2.0), ((1.0, 1.5), 2.0), ((1.0, 70.0), 70.0), ((1.0, 70.0, math.nan), 70.0), ((math.inf,), 2.0)],
)
def test_a_diverged_loss_counts_as_the_constant_predictor_or_its_last_finite_value_if_worse(losses, counted):
    rows = [{"step": step, "test_loss": loss} for step, loss in enumerate(losses)]
    assert figure("test_loss", rows, status="diverged").values == (counted,)


@pytest.mark.parametrize(("accuracies", "counted"), [((0.9, math.nan), 0.5), ((0.9,), 0.5), ((0.9, 0.1), 0.1)])
def test_a_diverged_accuracy_counts_as_chance_or_its_last_finite_value_if_worse(accuracies, counted):
    rows = [{"step": step, "test_accuracy": accuracy} for step, accuracy in enumerate(accuracies)]
    constant = {"test_accuracy": 0.5}
    assert figure("test_accuracy", rows, status="diverged", constant_predictor=constant).values == (counted,)


def test_diverged_runs_are_counted_and_n_stays_the_same(study):
    make_run(study / "none-aaaaaa", 3, [{"step": 0, "test_loss": 5.0}], status="diverged")
    row = compare_study(read_study(study)).rows[0]
    assert (row.num_diverged, row.seeds, row.figures["test_loss"].values) == (1, (0, 1, 2, 3), (1.0, 3.0, 2.0, 5.0))


def test_the_largest_batch_loss_leaves_out_the_first_epoch():
    assert figure("batch_loss_max_after_epoch_1", ROWS).values == (3.0,)


def test_with_one_batch_per_epoch_there_is_no_batch_loss_column(study):
    make_run(make_arm(make_study(name="full", arms=["none"])), metrics=ROWS, steps_per_epoch=1)
    assert list(compare_study(read_study(study.parent / "full")).rows[0].figures) == ["test_loss", "train_loss"]


def test_the_largest_batch_loss_of_a_diverged_run_is_no_better_than_the_constant_predictors():
    assert figure("batch_loss_max_after_epoch_1", ROWS[:1], status="diverged").values == (1.0,)


def test_without_a_target_the_output_stds_are_compared():
    folder = make_study(arms=["none"])
    stats = std_rows("activation", {"hidden1": 0.5, "hidden2": 0.7, "output": 9.0}) + std_rows("weight", {"hidden1": 7})
    make_run(make_arm(folder), metrics=[{"step": 0}], stats=stats, constant_predictor={})
    found = compare_study(read_study(folder)).rows[0].figures
    assert [found[f"output_std_{key}"].mean for key in ("lowest", "mean", "highest")] == [0.5, 0.6, 0.7]


def test_an_older_hash_of_a_study_with_arms_is_named_and_left_out(study):
    make_run(make_arm(study, "none", identity="bbbbbb"))
    found = compare_study(read_study(study))
    assert ([row.arm for row in found.rows], list(found.left_out)) == (["none", "batch_norm"], ["none-bbbbbb"])


def test_every_edit_of_a_plain_file_stays_a_row():
    folder = make_study(arms=["none"], is_plain=True)
    for identity, batch_size in (("aaaaaa", 16), ("bbbbbb", 8)):
        make_run(make_arm(folder, identity=identity, batch_size=batch_size))
    found = compare_study(read_study(folder))
    assert [row.settings["batch_size"] for row in found.rows] == [16, 8]
    assert (found.differing, list(found.left_out)) == (["batch_size"], [])


def test_an_arm_without_a_finished_run_is_named(study):
    for run in (study / "none-aaaaaa").glob("seed-*/summary.json"):
        run.unlink()
    found = compare_study(read_study(study))
    assert ([row.arm for row in found.rows], list(found.missing)) == (["batch_norm"], ["none"])


def test_what_a_document_says_stands_beside_its_arm():
    folder = make_study(arms=["none"], quotes={"none": "it surges"})
    make_run(make_arm(folder))
    assert compare_study(read_study(folder)).rows[0].quote == "it surges"


def test_without_paths_all_studies_are_compared(study):
    make_study(name="another", arms=[])
    assert [found.study for found in compare_runs(runs_dir=study.parent)] == ["another", "made_up"]
    assert [found.study for found in compare_runs([study, study.parent])] == ["made_up", "another"]


def test_an_empty_folder_says_how_to_get_runs():
    with pytest.raises(ComparisonError) as error:
        compare_runs(runs_dir=Path("runs"))
    way_out = "Run a config first: normbench run lenet_bn"
    assert str(error.value) == f"runs: must hold runs of a study, got none. {way_out}"


@pytest.mark.parametrize("name", ["summary.json", "study.json"])
def test_a_truncated_file_is_named(study, name):
    path = next(study.rglob(name))
    path.write_text(path.read_text()[:-20])
    with pytest.raises(RunFolderError) as error:
        compare_study(read_study(study))
    assert str(error.value).startswith(f"{path}: must be readable JSON, got: ")


def test_one_seed_each_is_no_evidence_and_says_how_to_get_evidence():
    folder = make_study(arms=["none"], is_plain=True)
    for identity, norm in (("aaaaaa", "batch_norm"), ("bbbbbb", "none")):
        make_run(make_arm(folder, identity=identity, norm=norm))
    found = compare_study(read_study(folder))
    assert evidence_commands(found) == ["normbench run made_up --vary norm=batch_norm,none --seeds 8"]
    assert footnote(found) == []
    assert evidence_block(found)[0].lines[0].text == "One seed each is no evidence; 8 seeds are:"


def test_rows_that_differ_in_several_settings_get_a_command_each():
    folder = make_study(arms=["none"], is_plain=True, set=["norm=none", "l1=0.1"])
    make_run(make_arm(folder, identity="aaaaaa", norm="none", batch_size=2))
    make_run(make_arm(folder, identity="bbbbbb", norm="batch_norm", batch_size=8))
    assert evidence_commands(compare_study(read_study(folder))) == [
        "normbench run made_up --set norm=none --set batch_size=2 --set l1=0.1 --seeds 8",
        "normbench run made_up --set norm=batch_norm --set batch_size=8 --set l1=0.1 --seeds 8",
    ]


def test_the_command_keeps_the_runs_folder_and_the_changes_of_a_study_with_arms():
    folder = make_study(Path("elsewhere"), arms=["none"], set=["optimizer.lr=0.1"])
    make_run(make_arm(folder, norm="none"))
    command = "normbench run made_up --set optimizer.lr=0.1 --seeds 8 --runs-dir elsewhere"
    assert evidence_commands(compare_study(read_study(folder))) == [command]


def test_several_seeds_are_evidence(study):
    assert footnote(compare_study(read_study(study))) == ["Mean ± std over seeds (n - 1)."]


def test_json_and_csv_say_the_same(study):
    found = compare_runs([study])
    rows, lines = (
        json.loads(in_format("json", found))[0]["rows"],
        list(csv.DictReader(StringIO(in_format("csv", found)))),
    )
    assert [row["arm"] for row in rows] == [line["arm"] for line in lines] == list(LOSSES)
    for row, line in zip(rows, lines, strict=True):
        assert float(line["test_loss_mean"]) == row["figures"]["test_loss"]["mean"]
        assert float(line["test_loss_std"]) == row["figures"]["test_loss"]["std"]
        assert (line["norm"], line["num_seeds"]) == (row["settings"]["norm"], str(len(row["seeds"])))


def test_json_says_null_where_a_number_is_not_finite():
    folder = make_study(arms=["none"])
    make_run(make_arm(folder), metrics=[{"step": 0, "test_loss": math.nan}])
    text = in_format("json", [compare_study(read_study(folder))])
    assert json.loads(text)[0]["rows"][0]["figures"]["test_loss"]["mean"] is None
    assert "NaN" not in text


def test_an_arm_whose_folder_is_gone_is_named():
    folder = make_study(arms=["none", "gone"])
    make_run(make_arm(folder, "none"))
    assert compare_study(read_study(folder)).missing == ["gone"]
