"""Runs in processes of their own: the same results, and one that dies takes no other with it."""

import multiprocessing
import os
import signal
from dataclasses import dataclass
from pathlib import Path

import pytest
from made_up_runs import ARMS, TINY

from normbench import workers
from normbench.arms import load_study
from normbench.scheduling import plan, run_study
from normbench.workers import PlannedRun, Workers, make


def study_of(text=TINY + ARMS, **options):
    Path("tiny.yaml").write_text(text, encoding="utf-8")
    return load_study(Path("tiny.yaml"), **options)


def results_in(folder):
    return {
        path.relative_to(folder): path.read_bytes() for name in ("summary.json", "*.csv") for path in folder.rglob(name)
    }


@dataclass(frozen=True)
class Deadly(PlannedRun):
    """A run that kills the process it is made in."""

    def __reduce__(self):
        """Die where it arrives."""
        return die, (self.folder,)


def die(folder):
    folder.mkdir(parents=True, exist_ok=True)
    os.kill(os.getpid(), signal.SIGKILL)


def test_two_jobs_leave_the_same_bytes_as_one():
    study = study_of(seeds=2)
    for num_jobs, folder in ((1, Path("one")), (2, Path("two"))):
        with Workers(num_jobs) as pool:
            results = run_study(study, folder, workers=pool)
        assert sorted((p.run.arm, p.run.seed, p.status) for p in results) == [
            (arm, seed, "finished") for arm in ("decayed", "plain") for seed in (0, 1)
        ]
        assert sorted(p.number for p in results) == [1, 2, 3, 4]
    one, two = results_in(Path("one")), results_in(Path("two"))
    assert one == two
    assert len(one) > 4


def test_a_run_that_kills_its_process_fails_alone():
    first, *rest = plan(study_of(seeds=2), Path("runs"))
    deadly = Deadly(first.study, first.arm, first.config, first.seed, first.folder)
    with Workers(2) as pool:
        ended = {(end.run.arm, end.run.seed): end for end in pool.run([deadly, *rest])}
    assert {key: end.status for key, end in ended.items()} == {
        ("plain", 0): "failed",
        ("decayed", 0): "finished",
        ("plain", 1): "finished",
        ("decayed", 1): "finished",
    }
    assert ended["plain", 0].error.startswith("its process died")


def interrupted():
    endless = study_of(TINY.replace("num_steps: 4", "num_steps: 100000000") + ARMS)
    with Workers(2) as pool:
        next(pool.run([*plan(study_of(), Path("runs")), *plan(endless, Path("runs"))]))
        assert multiprocessing.active_children()
        raise KeyboardInterrupt


def test_processes_end_at_once_when_the_command_is_interrupted():
    before = {process.pid for process in multiprocessing.active_children()}
    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert {process.pid for process in multiprocessing.active_children()} <= before


def test_one_job_stays_in_this_process(monkeypatch):
    made = []
    monkeypatch.setattr(workers, "run_experiment", lambda *_, **__: made.append(os.getpid()) or {"status": "finished"})
    runs = plan(study_of(seeds=2), Path("runs"))
    assert [end.run for end in Workers().run(runs)] == runs
    assert made == [os.getpid()] * 4


def test_a_failed_run_says_why(monkeypatch):
    monkeypatch.setattr(workers, "run_experiment", lambda *_, **__: 1 / 0)
    (run, *_) = plan(study_of(), Path("runs"))
    ended = make(run)
    assert (ended.status, ended.error) == ("failed", "ZeroDivisionError: division by zero")
    assert "Traceback" in (run.folder / "error.txt").read_text()
