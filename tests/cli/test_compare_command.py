"""normbench compare as a user starts it: choosing, tables by settings, gates, formats, and runs that were changed."""

import csv
import json
from io import StringIO
from pathlib import Path

import pytest
from command_line import normbench
from made_up_runs import make_arm, make_run, make_study, write_csv

LEVELS = {"none": (1.0, 1.0, 1.0), "batch_norm": (4.0, 2.0, 0.9)}
BATCH_SIZES = (2, 8, 32)
SEEDS = range(8)


@pytest.fixture(autouse=True)
def wide(monkeypatch):
    """A terminal on which no line needs to be broken."""
    monkeypatch.setenv("COLUMNS", "300")


@pytest.fixture
def study():
    """Two norms times three batch sizes, eight seeds: batch norm falls behind where batches are small."""
    arms = [f"norm={norm},batch_size={size}" for norm in LEVELS for size in BATCH_SIZES]
    folder = make_study(arms=arms, baseline="norm=none", seeds=list(SEEDS))
    for norm, levels in LEVELS.items():
        for size, level in zip(BATCH_SIZES, levels, strict=True):
            made = make_arm(folder, f"norm={norm},batch_size={size}", norm=norm, batch_size=size)
            for seed in SEEDS:
                end = level * (1 + 0.1 * seed + 0.001 * (seed * size % 7))
                rows = [{"step": 0, "test_loss": 9.0}, {"step": 20, "test_loss": end}]
                make_run(made, seed, rows)
    return folder


def test_where_leaves_only_arms_that_are_so(study):
    code, out, err = normbench("compare", study, "--where", "norm=batch_norm", "--where", "batch_size=2", "--csv")
    assert (code, err) == (0, "")
    assert [line["arm"] for line in csv.DictReader(StringIO(out))] == ["norm=batch_norm,batch_size=2"]


def test_where_that_leaves_nothing_is_one_line(study):
    code, out, err = normbench("compare", study, "--where", "norm=bn")
    rule = "must leave an arm, got none of 6. There norm is none, batch_norm.\n"
    assert (code, out, err) == (2, "", f"--where norm=bn: {rule}")


@pytest.mark.usefixtures("study")
def test_a_study_without_such_arms_is_left_out():
    make_run(make_arm(make_study(name="other", arms=["a"]), "a", norm="layer_norm"))
    assert [
        found["study"] for found in json.loads(normbench("compare", "--where", "norm=layer_norm", "--json").out)
    ] == ["other"]


def test_by_prints_rows_columns_and_verdicts(study):
    code, out, err = normbench("compare", study, "--by", "norm", "--by", "batch_size")
    assert (code, err) == (0, "")
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert "made_up · test loss by norm and batch_size: mean [95 % interval]" in lines
    assert any(line.startswith("batch_norm x 0.22") and "better" in line and "falls" in line for line in lines)
    assert any(line.startswith("none x 1.00") and "no trend found" in line for line in lines)


def test_by_in_json_and_csv_says_the_same(study):
    words = ("compare", study, "--by", "norm", "--by", "batch_size")
    (table,) = json.loads(normbench(*words, "--json").out)[0]["pivots"]
    lines = list(csv.DictReader(StringIO(normbench(*words, "--csv").out)))
    cells = {
        (line["label"], column): cell
        for line in table["lines"]
        for column, cell in zip(table["columns"], line["cells"], strict=True)
    }
    assert len(lines) == len(cells) == 6
    for line in lines:
        figure = cells[line["norm"], line["batch_size"]]["figure"]
        assert (float(line["mean"]), float(line["low"]), int(line["n"])) == (figure["mean"], figure["low"], 8)
    assert cells["none", "2"]["effect"] is None
    assert cells["batch_norm", "2"]["effect"]["n"] == 8


def test_json_and_csv_hold_n_and_the_interval(study):
    row = json.loads(normbench("compare", study, "--json").out)[0]["rows"][3]
    line = list(csv.DictReader(StringIO(normbench("compare", study, "--csv").out)))[3]
    figure = row["figures"]["test_loss"]
    assert figure["n"] == int(line["test_loss_n"]) == 8
    assert figure["low"] < figure["mean"] < figure["high"]
    assert [float(line[f"test_loss_{key}"]) for key in ("low", "high")] == [figure["low"], figure["high"]]
    assert line["verdict"] == row["effect"]["verdict"] == "worse"


def test_markdown_is_a_table_with_intervals(study):
    code, out, _ = normbench("compare", study, "--metric", "test_loss", "--markdown", "--methods")
    assert code == 0
    assert "| norm | batch\\_size | test loss | against norm=none | better in seeds | verdict |" in out
    assert "| none | 2 | 1.35 ± 0.25 [1.16, 1.59] | baseline |  |  |" in out
    details = normbench("compare", study, "--metric", "test_loss", "--markdown", "--details").out
    assert "| none | 2 | 1.35 ± 0.25 [1.16, 1.59] | baseline |  |  | 1,234 | 2.00 |" in details
    assert "Study made\\_up compares 6 arms that differ in norm and batch\\_size" in out


@pytest.mark.parametrize("options", [("--json", "--csv"), ("--csv", "--markdown"), ("--csv", "--methods")])
def test_two_formats_at_once_are_a_mistake(study, options):
    code, out, err = normbench("compare", study, *options)
    assert (code, out) == (2, "")
    assert err.startswith(f"{' '.join(options)}: must be ")


def test_a_gate_that_holds_prints_the_table_names_the_row_and_exits_with_3(study):
    code, out, err = normbench("compare", study, "--fail-if", "test_loss>5", "--fail-if", "verdict==worse")
    assert code == 3
    assert out.startswith("made_up · ")
    assert [line.split(": ")[:2] for line in err.splitlines()] == [
        ["made_up", "norm=batch_norm,batch_size=2"],
        ["made_up", "norm=batch_norm,batch_size=2"],
        ["made_up", "norm=batch_norm,batch_size=8"],
    ]


def test_a_gate_that_does_not_hold_says_nothing(study):
    assert normbench("compare", study, "--fail-if", "test_loss>100 or num_diverged>0")[::2] == (0, "")


def test_a_wrong_expression_is_a_mistake_before_anything_is_read():
    code, out, err = normbench("compare", "missing", "--fail-if", "test_loss >> 1")
    rule = "test_loss: must be compared with a number, got '> 1'"
    example = "Example: --fail-if 'test_loss>0.5 or verdict==worse'"
    assert (code, out, err) == (2, "", f"--fail-if test_loss >> 1: {rule}. {example}\n")


def test_plot_writes_a_picture(study):
    assert normbench("compare", study, "--by", "norm", "--by", "batch_size", "--plot", "by.svg").code == 0
    assert normbench("compare", study, "--plot", "steps.png").code == 0
    assert Path("by.svg").read_text().startswith("<?xml")
    assert Path("steps.png").read_bytes().startswith(b"\x89PNG")


def test_a_plot_of_another_kind_is_a_mistake(study):
    code, out, err = normbench("compare", study, "--plot", "by.jpg")
    assert (code, out) == (2, "")
    assert err == "--plot by.jpg: must end in .png, .svg or .pdf, got '.jpg'. Example: --plot figure.png\n"


def verdict_of(study, *words):
    (found,) = json.loads(normbench("compare", study, "--where", "batch_size=2", "--json", *words).out)
    return found["rows"][1]["effect"]


def tamper_metrics(run):
    write_csv(run / "metrics.csv", [{"step": 0, "test_loss": 9.0}, {"step": 20, "test_loss": 0.01}])


def tamper_summary(run):
    path = run / "summary.json"
    path.write_text(path.read_text().replace('"test_loss": 2.0', '"test_loss": 0.2'))


def truncate_metrics(run):
    path = run / "metrics.csv"
    path.write_bytes(path.read_bytes()[:-3])


def cut_metrics_at_a_line(run):
    path = run / "metrics.csv"
    path.write_text("\n".join(path.read_text().splitlines()[:-1]) + "\n")


def delete_metrics(run):
    (run / "metrics.csv").unlink()


@pytest.mark.parametrize(
    ("tamper", "name", "problem"),
    [
        (tamper_metrics, "metrics.csv", "must be as the run wrote it, got another sha256"),
        (truncate_metrics, "metrics.csv", "must be as the run wrote it, got another sha256"),
        (cut_metrics_at_a_line, "metrics.csv", "must be as the run wrote it, got another sha256"),
        (delete_metrics, "metrics.csv", "must be readable, got: No such file or directory"),
        (tamper_summary, "summary.json", "must be as the run wrote it, got another sha256"),
    ],
)
def test_a_changed_run_is_named_and_nothing_is_judged(study, tamper, name, problem):
    run = study / "norm=batch_norm,batch_size=2-aaaaaa" / "seed-3"
    tamper(run)
    code, out, err = normbench("compare", study)
    assert (code, out, err) == (2, "", f"{run}/{name}: {problem}. Delete {run} and run its study again.\n")


def test_a_deleted_run_is_told_and_its_seed_is_compared_in_no_arm(study):
    arm = study / "norm=batch_norm,batch_size=2-aaaaaa"
    before = verdict_of(study)
    for path in (arm / "seed-3").iterdir():
        path.unlink()
    (arm / "seed-3").rmdir()
    after = verdict_of(study)
    assert (before["n"], after["n"], before["verdict"], after["verdict"]) == (8, 7, "worse", "worse")
    told = "norm=batch_norm,batch_size=2: no run of seed 3. Only seeds that both arms have are compared.\n"
    assert told in normbench("compare", study).out


def test_a_seed_that_is_missing_in_every_arm_is_told_too(study):
    for arm in study.glob("*-aaaaaa"):
        (arm / "seed-5" / "summary.json").unlink()
    assert normbench("compare", study).out.count(": no run of seed 5.") == 6


REDUCERS = (
    "test_loss",
    "last test_loss",
    "best test_loss",
    "max_after 5 test_loss",
    "steps_to 0.5 test_loss",
    "change test_loss",
    "at_train_loss 0.5 test_loss",
    "batch_loss_max_after_epoch_1",
    "max_after 5 batch_loss_max",
)


HIGHER_IS_BETTER = ("test_accuracy", "best test_accuracy")


def falling(end, last_step=20):
    """Losses that fall to ``end`` by step 20, accuracies that rise; a run may stop before."""
    losses = {step: 1 - (1 - end) * step / 20 for step in range(0, last_step + 1, 5)}
    return [
        {"step": s, "batch_loss_max": x, "train_loss": x, "test_loss": x, "test_accuracy": 1 - x / 2}
        for s, x in losses.items()
    ]


@pytest.mark.parametrize("metric", [*REDUCERS, *HIGHER_IS_BETTER])
@pytest.mark.parametrize("last_step", [0, 10, 20])
def test_an_arm_never_looks_better_for_seeds_that_diverged(metric, last_step):
    folder = make_study(arms=["whole", "diverging"])
    for arm in ("whole", "diverging"):
        made = make_arm(folder, arm, norm=arm)
        for seed in SEEDS:
            is_lost = arm == "diverging" and seed % 3 == 0
            rows = falling(0.2 + seed / 100, last_step if is_lost else 20)
            status = {"status": "diverged", "step": last_step} if is_lost else {}
            constant = {"train_loss": 1.0, "test_loss": 1.0, "test_accuracy": 0.5}
            make_run(made, seed, rows, constant_predictor=constant, **status)
    rows = json.loads(normbench("compare", folder, "--metric", metric, "--json").out)[0]["rows"]
    whole, diverging = (row["figures"][metric] for row in rows)
    assert diverging["n"] == whole["n"] == 8
    sign = -1 if metric in HIGHER_IS_BETTER else 1
    assert all(sign * lost >= sign * kept for lost, kept in zip(diverging["values"], whole["values"], strict=True))
    assert sign * diverging["mean"] > sign * whole["mean"]
    assert rows[1]["num_diverged"] == 3
