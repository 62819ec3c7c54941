"""Makes the missing runs of a study, and waits for those that other commands make."""

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from normbench.errors import RunFailedError, RunFolderError
from normbench.scheduling.executors.base import Executor, make_executor
from normbench.scheduling.job import Job
from normbench.scheduling.plan import Plan, holds_study_files, make_plan, write_study_files
from normbench.scheduling.planned_run import PlannedRun
from normbench.scheduling.run_result import AGAIN, RunOptions, RunResult
from normbench.storage.files.atomic import is_read_only, os_error_line
from normbench.storage.lock import read_stamp
from normbench.storage.owners import Owner, OwnerWatch
from normbench.storage.run_folder import ARM_JSON, STUDY_JSON
from normbench.storage.run_status import RunStatus
from normbench.study.study import Study
from normbench.training.numerics import numerics

POLL_S = 0.2
"""Seconds between two checks of runs that other commands make."""


@dataclass(frozen=True)
class RunUpdate:
    """The status of one run of a study, and the number of runs that are done.

    Attributes:
        run: The run.
        status: Skipped, finished, diverged or failed; waiting while another command makes it.
        number: Number of runs that are done.
        total: Number of runs in all.
        error: Why it failed, or which process makes it.
        notes: Lines for the user, such as about a damaged checkpoint.
    """

    run: PlannedRun
    status: RunStatus
    number: int
    total: int
    error: str = ""
    notes: tuple[str, ...] = ()


def run_study(
    study: Study,
    runs_dir: Path | str = "runs",
    *,
    options: RunOptions | None = None,
    fail_fast: bool = False,
    executor: Executor | None = None,
    report: Callable[[RunUpdate], None] = lambda _: None,
) -> list[RunUpdate]:
    """Make the missing runs of a study; a failed run does not stop the others.

    torch's threads, flags and random states are restored afterwards. With planned checks all seeds up to the last check
    are made.

    Args:
        study: The study to run.
        runs_dir: Folder that the runs are written to.
        options: How runs are made.
        fail_fast: Stop at the first failure.
        executor: Makes the runs; by default one after another in this process.
        report: Gets each update.

    Returns:
        The last update of each run, in the order of the plan.

    Raises:
        ConfigError: The first run was made on a device that this machine does not have.
        RunFolderError: The runs folder cannot be written.
        RunFailedError: A run failed, with ``fail_fast``; or another thread of this process makes runs.
        KeyboardInterrupt: A stop was requested; the runs under way are saved.
    """
    with numerics():
        plan = make_plan(study, Path(runs_dir))
        return run_plan(plan, options=options, fail_fast=fail_fast, executor=executor, report=report)


def run_plan(
    plan: Plan,
    *,
    options: RunOptions | None = None,
    fail_fast: bool = False,
    executor: Executor | None = None,
    report: Callable[[RunUpdate], None] = lambda _: None,
) -> list[RunUpdate]:
    """Make the missing runs of a plan."""
    results: dict[Path, RunUpdate] = {}
    try:
        write_study_files(plan)
    except OSError as error:
        if not (is_read_only(error) and holds_study_files(plan)):
            raise RunFolderError(os_error_line(error, plan.folder.parent)) from None
    for progress in run_planned(plan.jobs, executor or make_executor("1"), options, fail_fast=fail_fast):
        report(progress)
        if progress.status != RunStatus.WAITING:
            results[progress.run.folder] = progress
    return _fail_removed_runs(plan, [results[run.folder] for run in plan.runs])


def run_planned(
    jobs: Sequence[Job], executor: Executor, options: RunOptions | None = None, *, fail_fast: bool = False
) -> Iterator[RunUpdate]:
    """Make the missing runs, or all with ``force``, and yield an update for each; finished runs come first.

    Runs that another command makes at the same time are waited for after all others, with all of their stack.

    Raises:
        RunFailedError: A run failed, with ``fail_fast``.
        KeyboardInterrupt: A stop was requested; the runs under way are saved.
    """
    options = options or RunOptions()
    if options.force:
        jobs = [job.changed(outdated) for job in jobs]
    runs = [run for job in jobs for run in job.runs]
    settled = [run for run in runs if run.outdated is None and run.is_settled]
    yield from (RunUpdate(run, RunStatus.SKIPPED, number, len(runs)) for number, run in enumerate(settled, start=1))
    done, failed = {run.folder for run in settled}, set[Path]()
    for ended in _run_until_done(_left_of(jobs, done), executor, options):
        done.update([ended.run.folder] if ended.status != RunStatus.WAITING else [])
        failed.update([ended.run.folder] if ended.status == RunStatus.FAILED else [])
        yield RunUpdate(ended.run, ended.status, len(done), len(runs), ended.error, ended.notes)
        if fail_fast and failed:
            executor.stop()
    if executor.interruption.is_asked:
        raise KeyboardInterrupt
    if executor.is_stopping:
        rule = f"must not fail with --fail-fast, got a failure; {len(runs) - len(done - failed)} runs are left"
        raise RunFailedError(f"{runs[0].study}: {rule}. The same command goes on with them.")


def outdated(run: PlannedRun) -> PlannedRun:
    """Return a run marked so that a result it has is made again."""
    return replace(run, outdated=read_stamp(run.folder))


def _left_of(jobs: Sequence[Job], done: Collection[Path]) -> list[Job]:
    return [left for job in jobs if (left := job.without(done))]


def _run_until_done(jobs: Sequence[Job], executor: Executor, options: RunOptions) -> Iterator[RunResult]:
    watch, left = OwnerWatch(), list(jobs)
    reported: set[str] = set()
    while left and not executor.is_stopping:
        is_free = {folder: watch.is_free(folder) for job in left for folder in job.folders}
        free = [job for job in left if all(is_free[folder] for folder in job.folders)]
        if not free:
            yield from _waiting_results([run for job in left for run in job.runs], reported)
            time.sleep(POLL_S)
            continue
        ended: set[Path] = set()
        for end in executor.run(free, replace(options, silent_owners=frozenset(watch.silent_owners))):
            if end.status != RunStatus.BUSY:
                ended.add(end.run.folder)
            if end.status not in (RunStatus.BUSY, RunStatus.INTERRUPTED):
                yield end
        left = _left_of(left, ended)
        if not ended:  # other commands claimed all of them first
            time.sleep(POLL_S)


def _waiting_results(runs: Sequence[PlannedRun], reported: set[str]) -> Iterator[RunResult]:
    """Yield one result with status waiting for each other process that makes some of the runs."""
    for run in runs:
        owner = Owner.of(run.folder)
        who = f"process {owner.pid} on {owner.host}" if owner else ""
        if owner and who not in reported:
            reported.add(who)
            yield RunResult(run, RunStatus.WAITING, f"{who} makes it")


def _fail_removed_runs(plan: Plan, results: Sequence[RunUpdate]) -> list[RunUpdate]:
    """Return the updates, with status failed for each run whose result was removed while others were made.

    Files of the study that were removed are written again, since the other runs need them.
    """
    described = {plan.folder / STUDY_JSON, *(run.folder.parent / ARM_JSON for run in plan.runs)}
    if not all(path.exists() for path in described):
        with suppress(OSError):
            write_study_files(plan)
    lost = "must stay until the command is over, got it removed"
    return [
        replace(progress, status=RunStatus.FAILED, error=f"{progress.run.folder}: {lost}. {AGAIN}")
        if progress.status != RunStatus.FAILED and not progress.run.is_finished
        else progress
        for progress in results
    ]
