"""normbench run: what it prints, writes and refuses, and its exit code."""

import json
from pathlib import Path

import pytest
from command_line import normbench
from made_up_runs import ARMS, TINY

from normbench.scheduling import one_job
from normbench.scheduling.executors import processes
from normbench.scheduling.executors._worker import Worker
from normbench.study.study import TUNING_SEEDS


@pytest.fixture
def tiny():
    return write("tiny.yaml", TINY)


@pytest.fixture
def study():
    return write("tiny.yaml", TINY + ARMS)


def write(name, text):
    Path(name).write_text(text, encoding="utf-8")
    return name


def files():
    return sorted(path.name for path in Path().iterdir())


def test_run_reports_one_run_and_where_to_look_next(tiny):
    code, out, err = normbench("run", tiny)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "tiny · mlp, no norm on linear_regression · seed 0 · cpu"
    (run,) = Path("runs/tiny").glob("none-*/seed-0")
    assert lines[-4:] == [
        f"saved    {run}",
        "next     normbench run tiny.yaml --set norm=batch_norm",
        "         then   normbench compare",
        "verdict  normbench run tiny.yaml --vary norm=none,batch_norm --seeds 8",
    ]


def test_run_compares_the_arms_of_a_study():
    study = write("tiny.yaml", f"{TINY}{ARMS}collapse: false\n")  # four steps learn nothing
    code, out, _ = normbench("run", study, "--seeds", 2)
    assert code == 0
    assert out.startswith(
        "tiny · Does it run?\n  2 arms, 2 seeds each · mlp on linear_regression · same in all but weight_decay\n"
    )
    assert [line.split()[0] for line in out.splitlines() if line.startswith(("plain", "decayed"))] == [
        *("plain", "decayed")
    ]
    assert out.splitlines()[-1] == "next     normbench compare runs/tiny --details"


def test_run_takes_set_vary_and_runs_dir(tiny):
    assert normbench("run", tiny, "--set", "l1=0.1", "--vary", "batch_size=5,10", "--runs-dir", "elsewhere").code == 0
    found = [json.loads(path.read_text())["settings"] for path in Path("elsewhere").glob("*/*/arm.json")]
    assert sorted((settings["l1"], settings["batch_size"]) for settings in found) == [(0.1, 5), (0.1, 10)]
    assert files() == ["elsewhere", "tiny.yaml"]


def test_run_in_json_holds_runs_layers_and_the_comparison(study):
    code, out, _ = normbench("run", study, "--json")
    (report,) = json.loads(out)
    assert code == 0
    assert [(run["arm"], run["seed"], run["status"]) for run in report["runs"]] == [
        ("plain", 0, "finished"),
        ("decayed", 0, "finished"),
    ]
    assert [[line["layer"] for line in layers["lines"]] for layers in report["layers"]] == [["hidden1", "output"]] * 2
    assert [row["arm"] for row in report["comparison"]["rows"]] == ["plain", "decayed"]


def test_run_shows_long_networks_whole_where_asked(tiny):
    arguments = ("run", tiny, "--set", "model={name: mlp, width: 3, depth: 20}")
    ends, whole = normbench(*arguments).out, normbench(*arguments, "--layers", "all").out
    assert ("hidden10 " in ends, "--layers all" in ends) == (False, True)
    assert ("hidden10 " in whole, "--layers all" in whole) == (True, False)


def test_run_draws_the_fitted_curves(tiny):
    assert normbench("run", tiny, "--set", "recording.figures=true").code == 0
    (picture,) = Path("runs/tiny").glob("**/*seed-0.png")
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_a_dry_run_says_what_would_run_and_makes_none(study):
    code, out, _ = normbench("run", study, "--seeds", 3, "--dry-run")
    assert (code, files()) == (0, ["runs", "tiny.yaml"])
    lines = out.splitlines()
    assert lines[0] == "tiny: 2 x 3 runs (arms x seeds)"
    assert [line.partition(",")[0] for line in lines[1:]] == [
        "  plain: 3 to run",
        "  decayed: 3 to run",
        "  0 finished",
    ]


def test_a_dry_run_in_json_counts_runs(study):
    (plan,) = json.loads(normbench("run", study, "--dry-run", "--json").out)
    assert (plan["study"], plan["num_runs"], plan["num_missing"], plan["num_finished"]) == ("tiny", 2, 2, 0)


NORMED = TINY.replace("[4]", "[4, 4]").replace("size: 5", "size: 20").replace(
    "linear_regression", "{name: linear_regression, num_samples: 40}"
) + (
    "norm: {name: batch_norm, momentum: 0.95}\nseeds: 2\n"
    "grid: {dropout: [0, 0.5], optimizer.lr: [0.01, 0.02]}\nbaseline: {dropout: 0}\n"
)
GIVE_ONE = "Give the path of a config. Shipped ones: normbench configs"
MOMENTUM = """\
normed: warning: hidden1.norm, hidden2.norm: keeps 5 % of its running statistics per step (norm.momentum 0.95)
  why  momentum is the share of the NEW batch here and in torch, and of the OLD value in TensorFlow and some papers. \
Evaluation then depends on the last batch or two.
  fix  Write norm.momentum: 0.05, if the share of the old value was meant.
"""
DROPOUT = """\
normed: warning: hidden2.norm: remembers statistics of what dropout 0.5 has thinned out (first in hidden1.dropout)
  why   In evaluation nothing is dropped, and the variance is smaller than the remembered one, for activations of mean \
0 by a factor of 2: variance shift (Li et al., 2018).
  fix   Write dropout: 0, or use a norm without running statistics (layer_norm, group_norm); reestimated_test_loss \
says what the shift costs.
  arms  dropout=0.5,lr=0.01; dropout=0.5,lr=0.02
"""
BIAS = """\
normed: note: hidden1.norm, hidden2.norm: takes away the bias that is added right before it
  why  Whatever that bias is, the output is the same; its gradient is 0. It is torch's habit, and does no harm but for \
the memory.
  fix  Leave it, or write model.bias: false, which leaves out the output's bias too.
"""


def test_run_warns_in_two_lines_at_most_on_stderr():
    code, out, err = normbench("run", write("normed.yaml", NORMED))
    assert code == 0
    first, second = err.splitlines()
    assert first == "normed: warning: hidden1.norm and 1 more: keeps 5 % of its running statistics"
    assert second == "  per step; 1 more: --dry-run"
    assert "warning" not in out


def test_a_dry_run_tells_warnings_in_full_and_notes_too(monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    code, _, err = normbench("run", write("normed.yaml", NORMED), "--dry-run")
    assert (code, err, files()) == (0, MOMENTUM + DROPOUT + BIAS, ["normed.yaml", "runs"])


def test_a_dry_run_in_json_holds_the_findings():
    (plan,) = json.loads(normbench("run", write("normed.yaml", NORMED), "--dry-run", "--json").out)
    assert [(one["level"], one["source"], one["layers"], len(one["arms"])) for one in plan["findings"]] == [
        ("warning", "momentum_convention", ["hidden1.norm", "hidden2.norm"], 4),
        ("warning", "dropout_before_norm", ["hidden2.norm"], 2),
        ("note", "bias_before_norm", ["hidden1.norm", "hidden2.norm"], 4),
    ]


def test_every_mistake_is_one_line_and_nothing_is_written():
    write("a.yaml", TINY + "dropout: 2\nl1: -1\n")
    write("b.yaml", TINY + "norm: {name: batch_norm, eps: 0}\n")
    code, out, err = normbench("run", "a.yaml", "b.yaml", "missing.yaml")
    assert (code, out, files()) == (2, "", ["a.yaml", "b.yaml"])
    assert sorted(err.splitlines()) == [
        "a.yaml:7: dropout: must be < 1, got 2.",
        "a.yaml:8: l1: must be >= 0, got -1.",
        "b.yaml:7: norm.eps: must be > 0, got 0.",
        "missing.yaml: must be a readable file, got: No such file or directory. " + GIVE_ONE,
    ]


def test_runs_that_cannot_be_written_are_one_line(tiny):
    write("occupied", "a file")
    code, out, err = normbench("run", tiny, "--runs-dir", "occupied")
    assert (code, out, err.count("\n")) == (2, "", 1)


def test_a_failing_run_is_told_and_the_exit_code_is_1(study, monkeypatch):
    real = one_job.run_experiment

    def fails_for_plain(config, seed, folder, *, arm, **options):
        if arm == "plain":
            raise ArithmeticError("one too many")
        return real(config, seed, folder, arm=arm, **options)

    monkeypatch.setattr(one_job, "run_experiment", fails_for_plain)
    code, out, err = normbench("run", study)
    assert code == 1
    assert err.splitlines() == [
        "tiny plain, seed 0: failed: ArithmeticError: one too many",
        "1 failed:",
        "plain, seed 0: ArithmeticError: one too many",
    ]
    assert "tiny · mlp, no norm" in out


def test_a_study_whose_runs_all_fail_says_where_to_look(tiny, monkeypatch):
    monkeypatch.setattr(one_job, "run_experiment", lambda *_, **__: 1 / 0)
    code, out, _ = normbench("run", tiny)
    assert (code, out) == (1, "tiny: no run finished; error.txt in each run's folder says why.\n")


def test_a_diverged_run_is_told_and_is_no_failure(tiny):
    code, out, _ = normbench("run", tiny, "--set", "optimizer.lr=1e30")
    assert code == 0
    assert "Diverged: the loss of step " in out


def test_an_interrupted_run_exits_130(tiny, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(one_job, "run_experiment", interrupted)
    assert normbench("run", tiny).code == 130


TUNE = ("--tune", "optimizer.lr=0.001,0.02,0.021")


def test_run_says_what_was_chosen_for_each_arm(study, monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    code, out, _ = normbench("run", study, *TUNE)
    assert code == 0
    lines = [line for line in out.splitlines() if ",tuned: optimizer.lr " in line]
    assert [line.partition(",")[0] for line in lines] == ["tuned    plain", "         decayed"]
    assert all("validation loss" in line and " tried: 0.001 to 0.02" in line for line in lines)
    (report,) = json.loads(normbench("run", study, *TUNE, "--json").out)
    assert [(choice["arm"], choice["seeds"]) for choice in report["tuning"]] == [
        ("plain", list(TUNING_SEEDS)),
        ("decayed", list(TUNING_SEEDS)),
    ]
    assert [row["arm"] for row in report["comparison"]["rows"]] == [
        "plain",
        "decayed",
        "plain,tuned",
        "decayed,tuned",
    ]


def test_a_dry_run_counts_tuning_and_both_readings(study):
    code, out, _ = normbench("run", study, *TUNE, "--dry-run")
    assert (code, files()) == (0, ["runs", "tiny.yaml"])
    assert "  tuning: 24 runs first, more where the best lies at an end" in out.splitlines()
    (plan,) = json.loads(normbench("run", study, *TUNE, "--dry-run", "--json").out)
    assert (plan["num_tuning_runs"], plan["num_runs"], plan["num_missing"]) == (24, 4, 4)


def test_a_quick_look_is_called_one_and_leaves_the_study_alone(study):
    code, out, err = normbench("run", study, "--quick", *TUNE)
    assert (code, err) == (
        0,
        "tiny: 2 seeds, a tenth of the steps, nothing tuned. This is no evidence.\n",
    )
    assert [path.name for path in Path("runs").iterdir()] == ["tiny-quick"]
    assert "tuned" not in out
    assert len(list(Path("runs").glob("tiny-quick/*/seed-*/summary.json"))) == 4


def test_run_takes_jobs(study, monkeypatch):
    asked = []
    monkeypatch.setattr(processes, "Worker", lambda context: asked.append(context) or Worker(context))
    assert normbench("run", study, "--jobs", 2, *TUNE).code == 0
    assert len(asked) == 2  # the same processes for tuning and comparison
    assert len(list(Path("runs").glob("tiny/*/seed-*/summary.json"))) == 4


def test_a_study_that_cannot_be_written_does_not_keep_the_next_from_being_run(tiny):
    Path("second.yaml").write_text(TINY, encoding="utf-8")
    Path("runs").mkdir()
    Path("runs/tiny").write_text("a file")
    code, out, err = normbench("run", tiny, "second.yaml")
    assert (code, err.count("\n")) == (2, 1)
    assert err.startswith("runs/tiny")
    assert "saved    runs/second/" in out


def test_fail_fast_is_one_line_and_exit_code_1(study, monkeypatch):
    monkeypatch.setattr(one_job, "run_experiment", lambda *_, **__: 1 / 0)
    code, out, err = normbench("run", study, "--fail-fast")
    assert (code, out) == (1, "")
    assert err.splitlines() == [
        "tiny plain, seed 0: failed: ZeroDivisionError: division by zero",
        "tiny: must not fail with --fail-fast, got a failure; 2 runs are left. The same command goes on with them.",
    ]
