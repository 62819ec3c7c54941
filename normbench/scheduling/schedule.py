"""Many runs: what is finished is skipped, what is missing is run."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from normbench.errors import RunFailedError, RunFolderError
from normbench.scheduling.executors.processes import Workers
from normbench.scheduling.one_run import AGAIN, Ended, Manner, PlannedRun
from normbench.scheduling.plan import Plan, make_plan, write_study_files
from normbench.storage.files.atomic import refusal
from normbench.storage.lock import stamp
from normbench.storage.owners import Owner, Watch
from normbench.storage.run_folder import ARM_JSON, STUDY_JSON
from normbench.study.config import Study
from normbench.training.numerics import numerics

LOOK_AGAIN_S = 0.2
"""Between two looks at what other commands make."""


@dataclass(frozen=True)
class Progress:
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
    manner: Manner | None = None,
    fail_fast: bool = False,
    workers: Workers | None = None,
    report: Callable[[Progress], None] = lambda _: None,
) -> list[Progress]:
    """Run what is missing of a study; one failing run does not stop the others.

    torch's threads, flags and random states are afterwards what they were before.

    Args:
        study: What is run.
        runs_dir: Where to.
        manner: How runs are made.
        fail_fast: Stop at the first failure.
        workers: Who makes them; this process if not said.
        report: Told of each run.

    Returns:
        What became of each, in the order of the plan.

    Raises:
        ConfigError: The study began on a device that this machine has not.
        RunFolderError: The runs folder cannot be written.
        RunFailedError: A run failed, with ``fail_fast``; or another thread of this process makes runs.
        KeyboardInterrupt: Somebody asked to stop; what was under way is saved.
    """
    with numerics():
        return run_plan(make_plan(study, runs_dir), manner=manner, fail_fast=fail_fast, workers=workers, report=report)


def run_plan(
    plan: Plan,
    *,
    manner: Manner | None = None,
    fail_fast: bool = False,
    workers: Workers | None = None,
    report: Callable[[Progress], None] = lambda _: None,
) -> list[Progress]:
    """Run what is missing of a plan, as ``run_study`` does of a study."""
    results: dict[Path, Progress] = {}
    try:
        write_study_files(plan)
    except OSError as error:
        raise RunFolderError(refusal(error, plan.folder.parent)) from None
    for progress in run_planned(plan.runs, workers or Workers(), manner, fail_fast=fail_fast):
        report(progress)
        if progress.status != "waiting":
            results[progress.run.folder] = progress
    return _still_there(plan, [results[run.folder] for run in plan.runs])


def run_planned(
    runs: Sequence[PlannedRun], workers: Workers, manner: Manner | None = None, *, fail_fast: bool = False
) -> Iterator[Progress]:
    """Make the runs that are missing, or all of them; finished ones are told of first.

    What another command makes at the same time is left to it, and waited for when nothing else is left.

    Raises:
        RunFailedError: A run failed, with ``fail_fast``.
        KeyboardInterrupt: Somebody asked to stop; what was under way is saved.
    """
    manner = manner or Manner()
    if manner.force:
        runs = [replace(run, outdated=stamp(run.folder)) for run in runs]
    settled = [run for run in runs if run.outdated is None and run.is_settled]
    yield from (Progress(run, "skipped", number, len(runs)) for number, run in enumerate(settled, start=1))
    done, failed = {run.folder for run in settled}, set[Path]()
    for ended in _until_all_ended([run for run in runs if run.folder not in done], workers, manner):
        done.update([ended.run.folder] if ended.status != "waiting" else [])
        failed.update([ended.run.folder] if ended.status == "failed" else [])
        yield Progress(ended.run, ended.status, len(done), len(runs), ended.error, ended.notes)
        if fail_fast and failed:
            workers.give_up()
    if workers.interruption.is_asked:
        raise KeyboardInterrupt
    if workers.is_stopping:
        rule = f"must not fail with --fail-fast, got a failure; {len(runs) - len(done - failed)} runs are left"
        raise RunFailedError(f"{runs[0].study}: {rule}. The same command goes on with them.")


def _until_all_ended(runs: Sequence[PlannedRun], workers: Workers, manner: Manner) -> Iterator[Ended]:
    watch, left = Watch(), list(runs)
    told: set[str] = set()
    while left and not workers.is_stopping:
        free = [run for run in left if watch.is_free(run.folder)]
        if not free:
            yield from _waiting(left, told)
            time.sleep(LOOK_AGAIN_S)
            continue
        ended: set[Path] = set()
        for end in workers.run(free, replace(manner, presumed_dead=frozenset(watch.presumed_dead))):
            if end.status != "busy":
                ended.add(end.run.folder)
            if end.status not in ("busy", "interrupted"):
                yield end
        left = [run for run in left if run.folder not in ended]
        if not ended:  # others were faster each time
            time.sleep(LOOK_AGAIN_S)


def _waiting(runs: Sequence[PlannedRun], told: set[str]) -> Iterator[Ended]:
    """Say once of each other process that its runs are waited for."""
    for run in runs:
        owner = Owner.of(run.folder)
        who = f"process {owner.pid} on {owner.host}" if owner else ""
        if owner and who not in told:
            told.add(who)
            yield Ended(run, "waiting", f"{who} makes it")


def _still_there(plan: Plan, results: Sequence[Progress]) -> list[Progress]:
    """Return what became of the runs; what was removed while others were made has failed, and is made by asking again.

    The study's own files are written anew, for the runs that were made after that.
    """
    described = {plan.folder / STUDY_JSON, *(run.folder.parent / ARM_JSON for run in plan.runs)}
    if not all(path.exists() for path in described):
        with suppress(OSError):
            write_study_files(plan)
    lost = "must stay until the command is over, got it removed"
    return [
        replace(progress, status="failed", error=f"{progress.run.folder}: {lost}. {AGAIN}")
        if progress.status != "failed" and not progress.run.is_finished
        else progress
        for progress in results
    ]
