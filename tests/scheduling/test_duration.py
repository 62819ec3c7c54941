"""How long a study will take, told before it is run: from one run on a few steps, and only where it is worth a line."""

from pathlib import Path

import pytest
from command_line import normbench
from made_up_runs import ARMS, TINY

from normbench.scheduling import duration as duration_module
from normbench.scheduling.duration import estimate_duration
from normbench.scheduling.executors.in_process import InProcess
from normbench.scheduling.run_timing import RunTiming
from normbench.scheduling.schedule import run_study
from normbench.scheduling.stack_timing import time_stack_step
from normbench.scheduling.tuning import tune_study, with_choices
from normbench.study.load import load_study

RUNS = Path("runs")


@pytest.fixture
def timed(monkeypatch):
    """Measured runs: 4 s to build, 1 s a step, recorded or not; so 8 s for a run of 4 steps."""
    found, timing = [], RunTiming(data_s=0.0, build_s=4.0, step_s=1.0, row_s=1.0, last_s=0.0)
    monkeypatch.setattr(duration_module, "time_run", lambda *asked: found.append(asked) or timing)
    monkeypatch.setattr(duration_module, "time_stack_step", lambda _config, _seed, num_slots: num_slots / 4)
    return found


def study_of(more="", seeds=3):
    Path("tiny.yaml").write_text(TINY + ARMS + more, encoding="utf-8")
    return load_study(Path("tiny.yaml"), seeds=seeds)


@pytest.mark.usefixtures("timed")
@pytest.mark.parametrize(("num_jobs", "seconds"), [(1, 48.0), (2, 24.0), (4, 12.0)])
def test_the_runs_that_are_missing_share_the_jobs(num_jobs, seconds):
    found = estimate_duration(study_of(), RUNS, num_jobs)
    assert (found.num_runs, found.seconds) == (6, seconds)


@pytest.mark.usefixtures("timed")
def test_quick_takes_two_seeds_of_a_tenth_of_the_steps():
    text = TINY.replace("num_steps: 4", "num_steps: 40")
    Path("tiny.yaml").write_text(text + ARMS, encoding="utf-8")
    assert estimate_duration(load_study(Path("tiny.yaml"), seeds=3), RUNS, 1).quick_s == 2 * 2 * (4 + 4)


@pytest.mark.usefixtures("timed")
def test_tuning_counts_and_what_is_finished_does_not():
    tune, runs = "tune: {optimizer.lr: [0.01, 0.02, 0.04]}\n", InProcess()
    study = study_of(tune)
    planned = estimate_duration(study, RUNS, 1, with_runner_ups=True)
    assert planned.num_runs == 6 + 6 + 2 * 3 * 4 + 6  # given, tuned, arms x values x tuning seeds, second-best
    choices = tune_study(study, RUNS, runs)
    assert estimate_duration(study, RUNS, 1).num_runs == 12
    run_study(with_choices(study, choices), RUNS)
    assert estimate_duration(study, RUNS, 1) is None
    assert estimate_duration(study, RUNS, 1, force=True).num_runs == 12


@pytest.mark.usefixtures("timed")
@pytest.mark.parametrize(("seeds", "num_jobs", "seconds"), [(4, 1, 2 * (20 + 6)), (8, 2, 40 + 6), (40, 1, 460)])
def test_a_step_of_a_stack_is_shared_by_its_runs(seeds, num_jobs, seconds):
    """A step of 8 slots takes 2 s, of 32 slots 8 s, and 3 steps are not recorded; a run takes 5 s beside them."""
    Path("tiny.yaml").write_text(TINY.replace("recording: {", "recording: {every_steps: 4, ") + ARMS, encoding="utf-8")
    found = estimate_duration(load_study(Path("tiny.yaml"), seeds=seeds), RUNS, num_jobs)
    assert (found.num_runs, found.seconds) == (2 * seeds, seconds)


def test_one_run_or_none_is_not_measured(timed):
    Path("tiny.yaml").write_text(TINY, encoding="utf-8")
    assert estimate_duration(load_study(Path("tiny.yaml")), RUNS, 1) is None
    assert timed == []


def test_what_takes_few_seconds_is_measured_once_and_not_told(timed, monkeypatch):
    monkeypatch.setattr(duration_module, "WORTH_A_LINE_S", 100.0)
    assert estimate_duration(study_of(), RUNS, 1) is None
    assert len(timed) == 1


@pytest.mark.usefixtures("timed")
def test_run_tells_it_before_it_begins_and_not_with_quiet():
    study_of()
    code, _, err = normbench("run", "tiny.yaml", "--engine", "loop", "--seeds", 3, "--quiet")
    assert (code, err) == (0, "")
    assert normbench("run", "tiny.yaml", "--engine", "loop", "--seeds", 5).err == "tiny: 4 runs, about 30 s\n"
    assert normbench("run", "tiny.yaml", "--engine", "loop", "--seeds", 5).err == ""  # all are finished


@pytest.mark.usefixtures("timed")
def test_what_is_wrong_is_told_where_the_study_is_run(monkeypatch):
    monkeypatch.setattr(duration_module, "make_plan", lambda *_: 1 / 0)
    study_of()
    assert (normbench("run", "tiny.yaml").code, normbench("run", "tiny.yaml").err) == (0, "")


def test_a_step_of_a_stack_is_measured():
    config = study_of().arms["plain"].on("cpu")
    assert time_stack_step(config, 0, 8) > 0
