"""Verdicts with each tuned arm at its second-best values: the same, changed, or not to be had."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from made_up_runs import ARMS, STATISTICS, SUMMARY, TINY, write_csv

from normbench.errors import RunFolderError
from normbench.evidence.comparison.comparison import compare_study
from normbench.evidence.tuning.sensitivity import ChangedVerdict, tuning_sensitivity
from normbench.scheduling import one_job
from normbench.scheduling.executors.in_process import InProcess
from normbench.scheduling.runner_up_study import runner_up_study
from normbench.scheduling.schedule import run_study
from normbench.scheduling.tuning import tune_study, with_choices
from normbench.storage.digests import csv_digests
from normbench.storage.files.json_files import write_sealed_json
from normbench.storage.run_folder import LAYER_STATS_CSV, METRICS_CSV, SUMMARY_JSON
from normbench.storage.study_folder import read_study
from normbench.study.load import load_study
from normbench.training.found_result import describe_recording

RUNS = Path("runs")
VALIDATION_LOSSES = {0.01: 0.5, 0.02: 0.2, 0.04: 0.3}
BEST, SECOND = 0.02, 0.04
SEEDS = 7


def claims_text(*arms):
    """Return a claim for each pair of arms: the first has the lower test loss."""
    claims = [
        {"id": f"C{i}", "says": "it helps", "metric": "test_loss", "expect": {"less": less, "than": than, "by": 0.05}}
        for i, (less, than) in enumerate(arms)
    ]
    return f"claims: {json.dumps(claims)}\n"


ON_TUNED, ON_GIVEN = ("decayed,tuned", "plain,tuned"), ("decayed", "plain")


@pytest.fixture
def test_losses(monkeypatch):
    """Final test losses of the decayed arm by learning rate; of the plain one they are 1 at any."""
    losses = {}

    def made_up(config, seed, folder, *, identity, **_):
        loss = losses.get(config.optimizer.lr, 1.0) if config.weight_decay else 1.0
        row = {"validation_loss": VALIDATION_LOSSES.get(config.optimizer.lr, 1.0), "test_loss": loss * (1 + seed / 100)}
        write_csv(folder / METRICS_CSV, [{"step": 0} | row, {"step": 4} | row])
        write_csv(folder / LAYER_STATS_CSV, [{"step": 0, "layer": "", "kind": ""} | STATISTICS])
        constant = {"constant_predictor": {"validation_loss": 2.0, "test_loss": 2.0}}
        summary = SUMMARY | constant | {"identity": identity.sha256, "recorded": describe_recording(config)}
        write_sealed_json(folder / SUMMARY_JSON, summary | {"files": csv_digests(folder)})
        return summary

    monkeypatch.setattr(one_job, "run_experiment", made_up)
    return losses


def load(tune=tuple(VALIDATION_LOSSES), more=""):
    text = f"{TINY}{ARMS}engine: loop\nseeds: {SEEDS}\ntune: {{optimizer.lr: {list(tune)}}}\n{more}"
    Path("tiny.yaml").write_text(text, encoding="utf-8")
    return load_study(Path("tiny.yaml"))


def run_both(study=None):
    """Run a study, and its arms at their second-best values; return it as read from its folder."""
    study = study or load(more="keep_given: false\n")
    choices = tune_study(study, RUNS, InProcess())
    run_study(with_choices(study, choices), RUNS)
    run_study(runner_up_study(study, choices), RUNS)
    return read_study(RUNS / "tiny")


def test_verdicts_that_stay_the_same(test_losses):
    test_losses |= {BEST: 0.5, SECOND: 0.6}
    found = tuning_sensitivity(run_both())
    assert (found.keys, found.num_verdicts, list(found.changed)) == (["optimizer.lr"], 1, [])
    assert (list(found.alone), list(found.missing)) == ([], [])


def test_verdicts_that_change_of_arms_and_claims_that_are_tuned_and_no_others(test_losses):
    test_losses |= {BEST: 0.5, SECOND: 2.0}
    found = tuning_sensitivity(run_both(load(more=claims_text(ON_TUNED, ON_GIVEN))))
    arm, claim = found.changed
    assert found.num_verdicts == 2
    assert arm == ChangedVerdict("decayed,tuned", False, "better", "worse")
    assert (claim.of, claim.is_claim) == ("C0", True)
    assert claim.before != claim.after


def test_what_was_made_is_a_study_of_its_own_and_the_first_stays_as_it_was(test_losses):
    test_losses |= {BEST: 0.5, SECOND: 2.0}
    study = run_both()
    first, second = compare_study(study), compare_study(read_study(RUNS / "tiny-runner-up"))
    assert [row.arm for row in first.rows] == [row.arm for row in second.rows] == ["plain,tuned", "decayed,tuned"]
    assert {row.settings["optimizer.lr"] for row in first.rows} == {BEST}
    assert {row.settings["optimizer.lr"] for row in second.rows} == {SECOND}
    assert (first.is_second_best, second.is_second_best) == (False, True)
    assert list(first.left_out) == []


def test_nothing_is_said_of_a_study_that_was_not_run_at_second_best_values(test_losses):
    test_losses |= {BEST: 0.5}
    study = run_both()
    content = json.loads((RUNS / "tiny-runner-up/study.json").read_text())
    (RUNS / "tiny-runner-up/study.json").write_text(json.dumps(content | {"options": {}}))
    assert tuning_sensitivity(study) is None  # the study of another file that happens to be called so
    shutil.rmtree(RUNS / "tiny-runner-up")
    assert tuning_sensitivity(study) is None


def test_a_missing_seed_is_told_and_no_verdict_is_taken_from_fewer(test_losses):
    test_losses |= {BEST: 0.5, SECOND: 2.0}
    study = run_both()
    (folder,) = RUNS.glob("tiny-runner-up/decayed*/seed-3")
    shutil.rmtree(folder)
    found = tuning_sensitivity(study)
    assert (list(found.missing), found.num_verdicts, list(found.changed)) == (["decayed,tuned"], 0, [])
    assert found.command == "normbench run tiny.yaml --tuning-sensitivity"


def test_runs_at_what_is_second_best_no_more_are_missing(test_losses):
    test_losses |= {BEST: 0.5, SECOND: 2.0}
    run_both()
    other = load((0.01, BEST, 0.03), "keep_given: false\n")
    run_study(with_choices(other, tune_study(other, RUNS, InProcess())), RUNS)
    assert list(tuning_sensitivity(read_study(RUNS / "tiny")).missing) == ["plain,tuned", "decayed,tuned"]
    assert list(tuning_sensitivity(run_both()).missing) == []  # of the first lists, whose choice is not the newest


def test_one_seed_gives_no_verdict_to_compare(test_losses):
    test_losses |= {BEST: 0.5, SECOND: 2.0}
    assert tuning_sensitivity(run_both(replace(load(), seeds=(0,)))).num_verdicts == 0


def test_where_nothing_else_fits_nothing_is_second_best(test_losses):
    """Of 3 or 4 groups and 8 or 10 features only 4 groups of 8 features fit."""
    test_losses |= {BEST: 0.5}
    text = TINY.replace("[4]", "[12]") + "keep_given: false\nnorm: {name: group_norm, num_groups: 1}\n"
    Path("tiny.yaml").write_text(text + "tune: {norm.num_groups: [4, 3], model.hidden_features: [[8], [10]]}\n")
    study = load_study(Path("tiny.yaml"))
    choices = tune_study(study, RUNS, InProcess())
    assert runner_up_study(study, choices) is None
    run_study(with_choices(study, choices), RUNS)
    found = tuning_sensitivity(read_study(RUNS / "tiny"))
    assert (list(found.alone), list(found.missing), found.num_verdicts) == (["group_norm,tuned"], [], 0)


def test_a_changed_file_is_an_error(test_losses):
    test_losses |= {BEST: 0.5, SECOND: 2.0}
    study = run_both()
    next(RUNS.glob("tiny-runner-up/decayed*/seed-3/metrics.csv")).write_text("step,test_loss\n0,1\n")
    with pytest.raises(RunFolderError, match="must be as the run wrote it"):
        tuning_sensitivity(study)
