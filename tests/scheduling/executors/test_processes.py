"""Runs in processes of their own: the same results, and one that dies takes no other with it."""

import multiprocessing
import os
from pathlib import Path

import pytest
from deadly_runs import Deadly
from made_up_runs import ARMS, TINY

from normbench.scheduling import one_job
from normbench.scheduling.executors import processes
from normbench.scheduling.executors._worker import Worker
from normbench.scheduling.executors.base import make_executor
from normbench.scheduling.executors.in_process import InProcess
from normbench.scheduling.executors.processes import Processes
from normbench.scheduling.interruption import Interruption
from normbench.scheduling.job import Job
from normbench.scheduling.one_job import JobMaker
from normbench.scheduling.plan import make_plan
from normbench.scheduling.run_result import RunOptions
from normbench.scheduling.schedule import run_study
from normbench.storage.owners import Owner
from normbench.study.load import load_study

ENDLESS = TINY.replace("num_steps: 4", "num_steps: 100000000") + ARMS


def study_of(text=TINY + ARMS, **options):
    Path("tiny.yaml").write_text(text, encoding="utf-8")
    return load_study(Path("tiny.yaml"), **options)


def results_in(folder):
    return {
        path.relative_to(folder): path.read_bytes() for name in ("summary.json", "*.csv") for path in folder.rglob(name)
    }


def with_deadly_first(num_deaths, engine="loop"):
    first, *rest = make_plan(study_of(seeds=2, engine=engine), Path("runs")).jobs
    run = first.runs[0]
    deadly = Deadly(run.study, run.arm, run.config, run.seed, run.folder, run.identity, num_deaths=num_deaths)
    return [Job((deadly, *first.slots[1:])), *rest]


def statuses(ended):
    return {(end.run.arm, end.run.seed): end.status for end in ended}


@pytest.mark.parametrize("engine", ["loop", "stacked"])
def test_two_jobs_leave_the_same_bytes_as_one(engine):
    study = study_of(seeds=2, engine=engine)
    for num_jobs, folder in ((1, Path("one")), (2, Path("two"))):
        with make_executor(str(num_jobs)) as executor:
            results = run_study(study, folder, executor=executor)
        assert sorted((p.run.arm, p.run.seed, p.status) for p in results) == [
            (arm, seed, "finished") for arm in ("decayed", "plain") for seed in (0, 1)
        ]
        assert sorted(p.number for p in results) == [1, 2, 3, 4]
    one, two = results_in(Path("one")), results_in(Path("two"))
    assert one == two
    assert len(one) > 4


def test_what_its_process_was_killed_with_is_tried_once_more():
    told = []
    with Processes(2) as executor:
        executor.report_line = told.append
        found = statuses(executor.run(with_deadly_first(num_deaths=1, engine="stacked")))
    assert set(found.values()) == {"finished"}
    assert len(found) == 4
    died = "a process of --jobs died (signal 9), perhaps for want of memory"
    assert told == [f"{died}; its 2 runs are tried once more."]


def test_a_run_that_kills_its_process_twice_fails_alone():
    with Processes(2) as executor:
        ended = list(executor.run(with_deadly_first(num_deaths=2)))
    assert statuses(ended) == {
        ("plain", 0): "failed",
        ("decayed", 0): "finished",
        ("plain", 1): "finished",
        ("decayed", 1): "finished",
    }
    (failed,) = [end for end in ended if end.status == "failed"]
    assert failed.error.startswith("its process died twice (signal 9), perhaps for want of memory. Use fewer --jobs.")


def test_processes_end_at_once_when_the_command_is_interrupted_twice():
    before = {process.pid for process in multiprocessing.active_children()}

    def interrupted():
        with Processes(2) as executor:
            next(
                executor.run(
                    [*make_plan(study_of(), Path("runs")).jobs, *make_plan(study_of(ENDLESS), Path("runs")).jobs]
                )
            )
            assert multiprocessing.active_children()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert {process.pid for process in multiprocessing.active_children()} <= before


@pytest.mark.parametrize("num_jobs", [1, 2])
def test_a_wish_to_stop_saves_what_is_under_way_and_starts_no_more(num_jobs):
    wish, jobs = Interruption(), make_plan(study_of(ENDLESS, seeds=2), Path("runs")).jobs
    with make_executor(str(num_jobs), wish) as executor:
        executor.report_step = lambda *_: setattr(wish, "is_asked", True)
        ended = list(executor.run(jobs))
    assert 1 <= len(ended) <= num_jobs
    assert {end.status for end in ended} == {"interrupted"}
    for end in ended:
        assert Owner.of(end.run.folder).status == "interrupted"
        assert (end.run.folder / "checkpoint.pt").is_file()


def test_how_far_runs_are_is_told():
    told, wish = [], Interruption()

    def tell(job, step, total):
        told.append((job.runs[0].arm, step, total))
        wish.is_asked = len(told) >= 4

    with Processes(2, wish) as executor:
        executor.report_step = tell
        list(executor.run(make_plan(study_of(ENDLESS), Path("runs")).jobs))
    assert {arm for arm, _, _ in told} <= {"plain", "decayed"}
    assert all(0 < step < total == 100_000_000 for _, step, total in told)


def test_one_job_stays_in_this_process(monkeypatch):
    made = []
    monkeypatch.setattr(one_job, "run_experiment", lambda *_, **__: made.append(os.getpid()) or {"status": "finished"})
    plan = make_plan(study_of(seeds=2), Path("runs"))
    assert [end.run for end in InProcess().run(plan.jobs)] == plan.runs
    assert made == [os.getpid()] * 4


def test_a_failed_run_says_why(monkeypatch):
    monkeypatch.setattr(one_job, "run_experiment", lambda *_, **__: 1 / 0)
    (job, *_) = make_plan(study_of(), Path("runs")).jobs
    (ended,), run = JobMaker().make(job, RunOptions()), job.runs[0]
    assert (ended.status, ended.error) == ("failed", "ZeroDivisionError: division by zero")
    assert "Traceback" in (run.folder / "error.txt").read_text()
    assert (Owner.of(run.folder).status, Owner.of(run.folder).error) == ("failed", ended.error)


def starts_at_most(number, monkeypatch):
    """Have the system refuse further processes."""
    started = []

    def start(context):
        if len(started) == number:
            raise EOFError
        started.append(Worker(context))
        return started[-1]

    monkeypatch.setattr(processes, "Worker", start)


def test_with_fewer_processes_than_wished_for_the_work_is_done_by_those(monkeypatch):
    starts_at_most(1, monkeypatch)
    with Processes(3) as executor:
        assert set(statuses(executor.run(make_plan(study_of(seeds=2), Path("runs")).jobs)).values()) == {"finished"}


def test_without_any_process_each_run_says_so(monkeypatch):
    starts_at_most(0, monkeypatch)
    with Processes(2) as executor:
        ended = list(executor.run(make_plan(study_of(), Path("runs")).jobs))
    why = "no process could be started for it (EOFError), for want of memory or processes. Use --jobs 1. "
    assert [end.error for end in ended] == [f"{why}The same command completes it."] * 2
