"""Many runs: what is finished is skipped, what is missing is run."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from normbench.errors import RunFailedError, RunFolderError
from normbench.scheduling.executors.processes import Workers
from normbench.scheduling.one_run import AGAIN, PlannedRun, RunOptions, RunResult
from normbench.scheduling.plan import plan, write_study_files
from normbench.storage.files.atomic import refusal
from normbench.storage.lock import stamp
from normbench.storage.owners import Owner, OwnerWatch
from normbench.storage.run_folder import ARM_JSON, STUDY_JSON
from normbench.study.config import Study

LOOK_AGAIN_S = 0.2
"""Between two looks at what other commands make."""


@dataclass(frozen=True)
class RunUpdate:
    """What happened to one run.

    Attributes:
        run: Which.
        status: "skipped", "finished", "diverged" or "failed"; "waiting" while another command makes it.
        number: So many runs are done.
        total: Of so many.
        error: What it failed of, or who makes it.
        notes: What a user should know about how it went.
    """

    run: PlannedRun
    status: str
    number: int
    total: int
    error: str = ""
    notes: tuple[str, ...] = ()


def run_study(
    study: Study,
    runs_dir: Path,
    *,
    options: RunOptions | None = None,
    fail_fast: bool = False,
    workers: Workers | None = None,
    report: Callable[[RunUpdate], None] = lambda _: None,
) -> list[RunUpdate]:
    """Run what is missing of a study; one failing run does not stop the others.

    Args:
        study: What is run.
        runs_dir: Where to.
        options: How runs are made.
        fail_fast: Stop at the first failure.
        workers: Who makes them; this process if not said.
        report: Told of each run.

    Returns:
        What became of each, in the order of ``plan``.

    Raises:
        RunFolderError: The runs folder cannot be written.
        RunFailedError: A run failed, with ``fail_fast``.
        KeyboardInterrupt: Somebody asked to stop; what was under way is saved.
    """
    runs = plan(study, runs_dir)
    results: dict[Path, RunUpdate] = {}
    try:
        write_study_files(study, runs_dir, runs)
    except OSError as error:
        raise RunFolderError(refusal(error, runs_dir)) from None
    for progress in run_planned(runs, workers or Workers(), options, fail_fast=fail_fast):
        report(progress)
        if progress.status != "waiting":
            results[progress.run.folder] = progress
    return _still_there(study, runs_dir, [results[run.folder] for run in runs])


def run_planned(
    runs: Sequence[PlannedRun], workers: Workers, options: RunOptions | None = None, *, fail_fast: bool = False
) -> Iterator[RunUpdate]:
    """Make the runs that are missing, or all of them; finished ones are told of first.

    What another command makes at the same time is left to it, and waited for when nothing else is left.

    Raises:
        RunFailedError: A run failed, with ``fail_fast``.
        KeyboardInterrupt: Somebody asked to stop; what was under way is saved.
    """
    options = options or RunOptions()
    if options.force:
        runs = [replace(run, outdated=stamp(run.folder)) for run in runs]
    settled = [run for run in runs if run.outdated is None and run.is_settled]
    yield from (RunUpdate(run, "skipped", number, len(runs)) for number, run in enumerate(settled, start=1))
    done, failed = {run.folder for run in settled}, set[Path]()
    for ended in _until_all_ended([run for run in runs if run.folder not in done], workers, options):
        done.update([ended.run.folder] if ended.status != "waiting" else [])
        failed.update([ended.run.folder] if ended.status == "failed" else [])
        yield RunUpdate(ended.run, ended.status, len(done), len(runs), ended.error, ended.notes)
        if fail_fast and failed:
            workers.give_up()
    if workers.interruption.is_asked:
        raise KeyboardInterrupt
    if workers.is_stopping:
        rule = f"must not fail with --fail-fast, got a failure; {len(runs) - len(done - failed)} runs are left"
        raise RunFailedError(f"{runs[0].study}: {rule}. The same command goes on with them.")


def _until_all_ended(runs: Sequence[PlannedRun], workers: Workers, options: RunOptions) -> Iterator[RunResult]:
    watch, left = OwnerWatch(), list(runs)
    told: set[str] = set()
    while left and not workers.is_stopping:
        free = [run for run in left if watch.is_free(run.folder)]
        if not free:
            yield from _waiting(left, told)
            time.sleep(LOOK_AGAIN_S)
            continue
        ended: set[Path] = set()
        for end in workers.run(free, replace(options, silent_owners=frozenset(watch.silent_owners))):
            if end.status != "busy":
                ended.add(end.run.folder)
            if end.status not in ("busy", "interrupted"):
                yield end
        left = [run for run in left if run.folder not in ended]
        if not ended:  # others were faster each time
            time.sleep(LOOK_AGAIN_S)


def _waiting(runs: Sequence[PlannedRun], told: set[str]) -> Iterator[RunResult]:
    """Say once of each other process that its runs are waited for."""
    for run in runs:
        owner = Owner.of(run.folder)
        who = f"process {owner.pid} on {owner.host}" if owner else ""
        if owner and who not in told:
            told.add(who)
            yield RunResult(run, "waiting", f"{who} makes it")


def _still_there(study: Study, runs_dir: Path, results: Sequence[RunUpdate]) -> list[RunUpdate]:
    """Return what became of the runs; what was removed while others were made has failed, and is made by asking again.

    The study's own files are written anew, for the runs that were made after that.
    """
    runs = [progress.run for progress in results]
    described = {runs_dir / study.name / STUDY_JSON, *(run.folder.parent / ARM_JSON for run in runs)}
    if not all(path.exists() for path in described):
        with suppress(OSError):
            write_study_files(study, runs_dir, runs)
    lost = "must stay until the command is over, got it removed"
    return [
        replace(progress, status="failed", error=f"{progress.run.folder}: {lost}. {AGAIN}")
        if progress.status != "failed" and not progress.run.is_finished
        else progress
        for progress in results
    ]
