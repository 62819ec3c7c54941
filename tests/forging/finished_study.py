"""A small study with everything that a study leaves: tuning, claims, diagnostics, curves, checkpoints, an error."""

import shutil
from pathlib import Path
from unittest.mock import patch

from command_line import normbench
from forging.forgery import OTHER, OUTSIDE, RUNS, STUDY

from normbench.scheduling.one_job import JobMaker
from normbench.scheduling.plan import make_plan, on_device
from normbench.scheduling.run_result import RunOptions
from normbench.scheduling.tuning import known_choices, with_choices
from normbench.storage.files.json_files import read_json, write_json
from normbench.study.load import load_study

CONFIG = Path("forged.yaml")
QUICK = ["--quick", "--set", "recording.figures=false"]
"""Options of the short form, without pictures, which only take time."""
TEXT = """\
# Does it hold?
model: {name: mlp, hidden_features: [4]}
dataset: {name: linear_regression, num_samples: 12}
batch_size: 4
num_steps: 6
recording: {every_steps: 3, diagnostics: true, gradient_shift: true, histograms: [weight, grad, activation, update]}
seeds: 2
grid: {norm: [none, batch_norm]}
keep_given: false
baseline: {norm: none}
tune: {init: [default, kaiming_normal]}
collapse: {metric: train_loss, above: 3}
margin: 0.01
claims:
  - id: A1
    says: norms help
    metric: test_loss
    expect: {less: "norm=batch_norm,tuned", than: "norm=none,tuned", by: 0.05}
"""


def make_study():
    """Run the study and its short form in this folder; leave two unfinished runs, and a copy of all beside the runs."""
    CONFIG.write_text(TEXT, encoding="utf-8")
    for options in ([], QUICK):
        answer = normbench("run", CONFIG, "--quiet", *options)
        assert answer.code == 0, answer.err
    leave_unfinished_runs()
    spared, *others = sorted(STUDY.glob("tuning/*/seed-*"))
    assert spared.parent.parent.name == "tuning"
    pictures = [*RUNS.glob("*-quick/summary"), *STUDY.glob("summary/*/")]
    for folder in (*others, *pictures):  # what is one of many of its kind only takes time to copy
        shutil.rmtree(folder)
    for arm in STUDY.glob("tuning/*/"):
        if arm != spared.parent:
            shutil.rmtree(arm)
    copy_as_another_task()
    shutil.copytree(STUDY, OUTSIDE / STUDY.name)


def copy_as_another_task():
    """Leave a study with which this one can be pooled: the same, on data of another size."""
    shutil.copytree(
        STUDY, OTHER, ignore=shutil.ignore_patterns("seed-2", "curves*", "summary", "tuning", "finished.json")
    )
    for arm in OTHER.glob("*/arm.json"):
        content = read_json(arm)
        write_json(arm, content | {"settings": content["settings"] | {"dataset.num_samples": 16}})


def leave_unfinished_runs():
    """Leave a run that was interrupted twice, with its checkpoints, and one that failed, as commands for seed 2 do."""
    study, _ = on_device(load_study(CONFIG, seeds=3), RUNS)
    plan = make_plan(with_choices(study, known_choices(study, RUNS)), RUNS)
    interrupted, failed = [job for job in plan.jobs if not all(run.is_finished for run in job.runs)]
    for _ in range(2):
        JobMaker(should_stop=lambda: True).make(interrupted, RunOptions())
    with patch("normbench.scheduling.one_job.run_experiment", side_effect=ValueError("no such thing")):
        JobMaker().make(failed, RunOptions())
    assert len(list(RUNS.rglob("checkpoint*.pt"))) == 2
    assert len(list(RUNS.rglob("error.txt"))) == 1
