"""Runs that are made as a stack: results of each, whatever becomes of one; nobody makes half of what another makes."""

import shutil
from pathlib import Path

import pytest
from made_up_runs import ARMS, TINY

from normbench.errors import RunFailedError
from normbench.scheduling import one_job
from normbench.scheduling.executors.in_process import InProcess
from normbench.scheduling.interruption import Interruption
from normbench.scheduling.one_job import JobMaker
from normbench.scheduling.plan import make_plan
from normbench.scheduling.run_result import RunOptions
from normbench.scheduling.schedule import run_planned, run_study
from normbench.scheduling.stacks import jobs_of_tuning
from normbench.scheduling.tuning import missing_tuning_runs, tune_study
from normbench.storage.files.json_files import read_json
from normbench.storage.owners import Owner
from normbench.study.load import load_study
from normbench.training.stack.open_runs import Member

RUNS = Path("runs")
TEXT = TINY.replace("recording: {", "recording: {every_steps: 2, ")
"""Every other step is one of the stack: the others are recorded, and made by each run's own optimizer."""
SEEDS = range(4)


def study_of(text=TEXT, **options):
    Path("tiny.yaml").write_text(text, encoding="utf-8")
    return load_study(Path("tiny.yaml"), **{"seeds": len(SEEDS), **options})


def statuses(study, runs=RUNS, **options):
    return [str(update.status) for update in run_study(study, runs, **options)]


def job_of(study):
    (job,) = make_plan(study, RUNS).jobs
    return job


def made(job, **options):
    """Make a job; return status and error of each run by its seed."""
    ended = JobMaker(**options).make(job, RunOptions(checkpoint_s=0.0))
    return {result.run.seed: (str(result.status), result.error) for result in ended}


def bytes_of(runs=RUNS, seeds=SEEDS):
    """Return what runs found, by seed and file."""
    names = ("summary.json", "metrics.csv", "layer_stats.csv")
    return {(seed, name): next(runs.glob(f"*/*/seed-{seed}/{name}")).read_bytes() for seed in seeds for name in names}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """What the runs of the study find where nothing disturbs them."""
    folder = tmp_path_factory.mktemp("undisturbed")
    (folder / "tiny.yaml").write_text(TEXT, encoding="utf-8")
    assert statuses(load_study(folder / "tiny.yaml", seeds=len(SEEDS)), folder / "runs") == ["finished"] * 4
    return bytes_of(folder / "runs")


def test_each_run_of_a_stack_is_a_result_that_says_its_engine_and_place(undisturbed):
    assert statuses(study_of()) == ["finished"] * 4
    assert statuses(study_of()) == ["skipped"] * 4
    assert bytes_of() == undisturbed
    (run,) = RUNS.glob("*/*/seed-3")
    assert read_json(run / "summary.json")["engine"] == "stacked"
    assert read_json(run / "environment.json")["place"] == "slot 3 of 8"
    assert "\nengine: stacked\n" in (run / "config.yaml").read_text()


def test_saving_after_every_step_changes_nothing(undisturbed):
    assert made(job_of(study_of())) == dict.fromkeys(SEEDS, ("finished", ""))
    assert bytes_of() == undisturbed


def test_seeds_that_are_added_later_find_what_they_would_have_found_at_once():
    assert statuses(study_of(), Path("in parts")) == ["finished"] * 4
    assert statuses(study_of(seeds=6), Path("in parts")) == ["skipped"] * 4 + ["finished"] * 2
    statuses(study_of(seeds=6), Path("at once"))
    assert bytes_of(Path("in parts"), range(6)) == bytes_of(Path("at once"), range(6))


def test_a_runs_own_config_repeats_it_to_the_bytes(undisturbed):
    statuses(study_of())
    (config,) = RUNS.glob("*/*/seed-2/config.yaml")
    assert statuses(load_study(config), Path("again")) == ["finished"]
    assert bytes_of(Path("again"), [2]).items() <= undisturbed.items()


def test_a_run_that_another_process_makes_keeps_its_whole_stack_waiting():
    job = job_of(study_of())
    interrupted, away = Owner("mine", status="interrupted"), Owner("token", pid=7, host="far away")
    for seed, owner in ((0, interrupted), (2, away)):
        job.folders[seed].mkdir(parents=True)
        owner.write(job.folders[seed])
    assert made(job) == dict.fromkeys(SEEDS, ("busy", ""))
    assert [Owner.of(folder) for folder in job.folders] == [interrupted, None, away, None]
    assert [folder.exists() for folder in job.folders] == [True, False, True, False]
    (job.folders[2] / "claim.json").unlink()
    assert made(job) == dict.fromkeys(SEEDS, ("finished", ""))


def test_a_run_that_finished_meanwhile_leaves_its_place_idle(undisturbed):
    job = job_of(study_of())
    made(job)
    shutil.rmtree(job.folders[1])
    assert {seed: status for seed, (status, _) in made(job).items()} == {
        0: "skipped",
        1: "finished",
        2: "skipped",
        3: "skipped",
    }
    assert bytes_of() == undisturbed


def test_a_folder_that_cannot_be_claimed_fails_alone():
    job = job_of(study_of())
    job.folders[1].parent.mkdir(parents=True)
    job.folders[1].symlink_to(Path("elsewhere"))
    found = made(job)
    assert [found[seed][0] for seed in SEEDS] == ["finished", "failed", "finished", "finished"]
    assert "must be" in found[1][1]


def test_a_run_whose_folder_is_removed_fails_alone(undisturbed):
    job = job_of(study_of())

    def remove(*_):
        shutil.rmtree(job.folders[1], ignore_errors=True)

    found = made(job, report_step=remove)
    assert [found[seed][0] for seed in SEEDS] == ["finished", "failed", "finished", "finished"]
    assert found[1][1].startswith(f"{job.folders[1]}: must stay this command's until the run is over")
    assert made(job)[1] == ("finished", "")
    assert bytes_of() == undisturbed


def test_what_ends_a_stack_is_told_of_each_of_its_runs(monkeypatch):
    monkeypatch.setattr(one_job, "run_stack", lambda _: 1 / 0)
    job = job_of(study_of())
    assert made(job) == dict.fromkeys(SEEDS, ("failed", "ZeroDivisionError: division by zero"))
    assert all("Traceback" in (folder / "error.txt").read_text() for folder in job.folders)
    assert {Owner.of(folder).status for folder in job.folders} == {"failed"}


def test_fail_fast_begins_no_stack_after_a_failure(monkeypatch):
    monkeypatch.setattr(one_job, "run_stack", lambda _: 1 / 0)
    with pytest.raises(RunFailedError, match=r"got a failure; 8 runs are left\."):
        run_study(study_of(TEXT + ARMS), RUNS, fail_fast=True)


def test_a_diverged_run_is_a_result_beside_the_others():
    text = TEXT.replace("num_steps: 4", "num_steps: 2") + "optimizer: {lr: 1e30}\n"
    assert statuses(study_of(text)) == ["diverged"] * 4
    assert statuses(study_of(text)) == ["skipped"] * 4


def test_a_wish_to_stop_saves_every_run_and_asking_again_goes_on_to_the_same_bytes(undisturbed):
    wish, told = Interruption(), []
    executor = InProcess(wish)

    def stop(job, step, total):
        told.append(([run.seed for run in job.runs], step, total))
        wish.is_asked = True

    executor.report_step = stop
    with pytest.raises(KeyboardInterrupt):
        run_study(study_of(), RUNS, executor=executor)
    assert told == [([0, 1, 2, 3], 1, 4)]
    folders = [path.parent for path in RUNS.rglob("claim.json")]
    assert {(Owner.of(folder).status, (folder / "checkpoint.pt").is_file()) for folder in folders} == {
        ("interrupted", True)
    }
    assert len(folders) == 4
    assert statuses(study_of()) == ["finished"] * 4
    assert bytes_of() == undisturbed


def test_force_sets_every_run_of_a_stack_aside(undisturbed):
    statuses(study_of())
    assert statuses(study_of(), options=RunOptions(force=True)) == ["finished"] * 4
    assert len(list(RUNS.rglob("seed-*.old-1"))) == 4
    assert bytes_of() == undisturbed


def test_a_tuning_run_that_is_made_again_alone_finds_the_same_bytes():
    study = study_of(TEXT + "tune: {optimizer.lr: [0.01, 0.02, 0.03]}\n")
    jobs = jobs_of_tuning(missing_tuning_runs(study, RUNS)["none"])
    assert {update.status for update in run_planned(jobs, InProcess())} == {"finished"}
    summary = jobs[0].folders[4] / "summary.json"
    before = summary.read_bytes()
    shutil.rmtree(summary.parent)
    assert [update.status for update in run_planned(jobs, InProcess())] == ["skipped"] * 11 + ["finished"]
    assert summary.read_bytes() == before


def test_tuning_trains_the_values_and_seeds_of_an_arm_as_one_and_wider_lists_apart(monkeypatch):
    real, stacks = one_job.run_stack, []

    def noted(slots):
        stacks.append([(one.config.optimizer.lr, one.seed) if isinstance(one, Member) else one for one in slots])
        return real(slots)

    monkeypatch.setattr(one_job, "run_stack", noted)
    study = study_of(TEXT + "tune: {optimizer.lr: [0.01, 0.02]}\n")
    choice = tune_study(study, RUNS, InProcess())["none"]
    first, *wider = stacks
    assert first == [(lr, seed) for seed in (1000, 1001, 1002, 1003) for lr in (0.01, 0.02)]
    assert len(wider) == choice.widened > 0
    assert all(len(stack) == 8 and stack.count(None) == 4 for stack in wider)
    assert tune_study(study, RUNS, InProcess())["none"].tried == choice.tried
    assert len(stacks) == 1 + len(wider)
