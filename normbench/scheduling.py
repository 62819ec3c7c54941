"""Many runs: what is finished is skipped, what is missing is run."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from normbench.errors import RunFailedError, RunFolderError
from normbench.evidence.claiming import locked, sweep
from normbench.evidence.identity import is_name
from normbench.evidence.json_files import read_json, write_json, write_sealed_json
from normbench.evidence.owners import Owner, Watch
from normbench.evidence.resolved_settings import flatten
from normbench.evidence.run_folder import ARM_JSON, CONFIG_YAML, STUDY_JSON, seed_folder
from normbench.evidence.writing import refusal
from normbench.making import AGAIN, Ended, Manner, PlannedRun
from normbench.study import RunConfig, Study
from normbench.training.resolved_config import flat_settings
from normbench.workers import Workers

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


def plan(study: Study, runs_dir: Path) -> list[PlannedRun]:
    """Return all runs of a study, seed by seed, so that arms can be compared early and share their data."""
    names = _names_in_use(study, runs_dir)
    arms = {config.hash(): config for config in study.arms.values()}  # a tuned arm may be the given one
    return [
        PlannedRun(study.name, names[found], config, seed, seed_folder(runs_dir, study.name, names[found], found, seed))
        for seed in study.seeds
        for found, config in arms.items()
    ]


def _names_in_use(study: Study, runs_dir: Path) -> dict[str, str]:
    """Return what the arms' folders are called, by hash: after the first arm of these settings.

    In a file without arms what they are called already: a later --vary adds seeds, not rows.
    """
    names: dict[str, str] = {}
    for arm, config in study.arms.items():
        names.setdefault(config.hash(), arm)
    if study.is_plain:
        known = {found: sorted((runs_dir / study.name).glob(f"*-{found}")) for found in names}
        called = {found: [path.name.removesuffix(f"-{found}") for path in paths] for found, paths in known.items()}
        names |= {found: before[0] for found, listed in called.items() if (before := list(filter(is_name, listed)))}
    return names


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

    Args:
        study: What is run.
        runs_dir: Where to.
        manner: How runs are made.
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
    results: dict[Path, Progress] = {}
    try:
        _write_study_files(study, runs_dir, runs)
    except OSError as error:
        raise RunFolderError(refusal(error, runs_dir)) from None
    for progress in run_planned(runs, workers or Workers(), manner, fail_fast=fail_fast):
        report(progress)
        if progress.status != "waiting":
            results[progress.run.folder] = progress
    return _still_there(study, runs_dir, [results[run.folder] for run in runs])


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
    settled = [] if manner.force else [run for run in runs if run.is_settled]
    done = {run.folder for run in settled}
    for number, run in enumerate(settled, start=1):
        yield Progress(run, "skipped", number, len(runs))
    for ended in _until_all_ended([run for run in runs if run.folder not in done], workers, manner):
        if ended.status == "interrupted":
            continue
        if ended.status != "waiting":
            done.add(ended.run.folder)
        yield Progress(ended.run, ended.status, len(done), len(runs), ended.error, ended.notes)
        if fail_fast and ended.status == "failed":
            workers.give_up()
    if workers.interruption.is_asked:
        raise KeyboardInterrupt
    if workers.is_stopping:
        left = len(runs) - len(done)
        rule = "must not fail with --fail-fast, got a failure"
        raise RunFailedError(f"{runs[0].study}: {rule}; {left} runs are left. The same command goes on with them.")


def _until_all_ended(runs: Sequence[PlannedRun], workers: Workers, manner: Manner) -> Iterator[Ended]:
    watch, left = Watch(), list(runs)
    told: set[str] = set()
    while left and not workers.is_stopping:
        free = [run for run in left if watch.is_free(run.folder)]
        if not free:
            yield from _waiting(left, told)
            time.sleep(LOOK_AGAIN_S)
            continue
        ended = set()
        for end in workers.run(free, replace(manner, presumed_dead=frozenset(watch.presumed_dead))):
            if end.status != "busy":
                ended.add(end.run.folder)
                yield end
        left = [run for run in left if run.folder not in ended]


def _waiting(runs: Sequence[PlannedRun], told: set[str]) -> Iterator[Ended]:
    """Say once of each other process that its runs are waited for."""
    for run in runs:
        owner = Owner.of(run.folder)
        who = f"process {owner.pid} on {owner.host}" if owner else ""
        if owner and who not in told:
            told.add(who)
            yield Ended(run, "waiting", f"{who} makes it")


def _still_there(study: Study, runs_dir: Path, results: Sequence[Progress]) -> list[Progress]:
    """Return what became of the runs; what was removed while others were made has failed, and is made by asking again.

    The study's own files are written anew, for the runs that were made after that.
    """
    runs = [progress.run for progress in results]
    described = {runs_dir / study.name / STUDY_JSON, *(run.folder.parent / ARM_JSON for run in runs)}
    if not all(path.exists() for path in described):
        with suppress(OSError):
            _write_study_files(study, runs_dir, runs)
    lost = "must stay until the command is over, got it removed"
    return [
        replace(progress, status="failed", error=f"{progress.run.folder}: {lost}. {AGAIN}")
        if progress.status != "failed" and not progress.run.is_finished
        else progress
        for progress in results
    ]


def _write_study_files(study: Study, runs_dir: Path, runs: list[PlannedRun]) -> None:
    folder = runs_dir / study.name
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder):
        sweep(folder)
        _write_arms(study, runs)
        content = study_content(study, _names_in_use(study, runs_dir))
        if not _is_run_of(content, folder / STUDY_JSON):
            write_json(folder / STUDY_JSON, content)


def _write_arms(study: Study, runs: list[PlannedRun]) -> None:
    for run in runs:
        folder = run.folder.parent
        if run.seed == study.seeds[0] and not _is_readable(folder / ARM_JSON):
            folder.mkdir(parents=True, exist_ok=True)
            sweep(folder)
            write_sealed_json(folder / ARM_JSON, arm_content(run.arm, run.config))


def _is_readable(path: Path) -> bool:
    """Return whether a JSON file is there and whole; what says only what the config says is else written anew."""
    with suppress(RunFolderError):
        return bool(read_json(path))
    return False


def arm_content(arm: str, config: RunConfig) -> dict[str, Any]:
    """Return what arm.json says: every setting, and which of them are not at their default."""
    return {
        "arm": arm,
        "hash": config.hash(),
        "total_steps": config.total_steps,
        "settings": flat_settings(config),
        "changed": list(flatten(config.settings())),
    }


def study_content(study: Study, names: Mapping[str, str]) -> dict[str, Any]:
    """Return what study.json says: the arms in order with their folders, and all that is said of them.

    Args:
        study: What is run.
        names: What the arms' folders are called, by hash.
    """
    return {
        "study": study.name,
        "question": study.question,
        "source": study.source,
        "content_sha256": study.content_sha256,
        "options": dict(study.options),
        "set": list(study.set_),
        "arms": [_arm_entry(arm, config.hash(), names) for arm, config in study.arms.items()],
        "seeds": list(study.seeds),
        "baseline": study.baseline,
        "is_plain": study.is_plain,
        "tune": {key: list(values) for key, values in study.tune.items()},
        "quotes": dict(study.quotes),
        "claims": list(study.claims),
    }


def _arm_entry(arm: str, arm_hash: str, names: Mapping[str, str]) -> dict[str, str]:
    return {"arm": arm, "hash": arm_hash, "folder": f"{names[arm_hash]}-{arm_hash}"}


def _is_run_of(content: dict[str, Any], path: Path) -> bool:
    """Return whether this is the resolved config of one run, which forgets nothing of the study it belongs to."""
    source = Path(content["source"])
    return _is_readable(path) and source.name == CONFIG_YAML and (source.parent.parent / ARM_JSON).is_file()
