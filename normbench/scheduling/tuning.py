"""Tunes each arm: chooses its best values on validation data and separate seeds, before the comparison.

The rules are in docs/methods.md, "7. Tuning".
"""

import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from normbench.errors import RunFailedError, RunFolderError
from normbench.evidence.metrics.run_metrics import read_metrics
from normbench.evidence.tuning.ranking import best_trial
from normbench.scheduling.accepted_code import identity_in
from normbench.scheduling.candidates import ValueLists, candidates_of, is_at_end, widen, with_settings
from normbench.scheduling.executors.base import Executor
from normbench.scheduling.job import Job
from normbench.scheduling.plan import on_device
from normbench.scheduling.planned_run import PlannedRun
from normbench.scheduling.run_result import AGAIN, RunOptions
from normbench.scheduling.schedule import RunUpdate, run_planned
from normbench.scheduling.stacks import jobs_of_tuning
from normbench.storage.choices import TUNING, Choice, Trial, TuningSearch, read_choice, write_choice
from normbench.storage.files.atomic import os_error_line
from normbench.storage.lock import RunBusy, claim_run
from normbench.storage.run_folder import CLAIM_JSON, Run, arm_folder_name, is_finished
from normbench.storage.run_status import RunStatus
from normbench.study.arms import tuned_entry
from normbench.study.config import RunConfig
from normbench.study.resolved import flat_settings
from normbench.study.study import TUNING_SEEDS, Study

METRIC = "validation_loss"
MAX_WIDENINGS = 2


def tune_study(
    study: Study,
    runs_dir: Path,
    executor: Executor,
    report: Callable[[RunUpdate], None] = lambda _: None,
    *,
    options: RunOptions | None = None,
    fail_fast: bool = False,
) -> dict[str, Choice]:
    """Make the tuning runs and return each arm's choice; stored choices are used unchanged, also with ``force``.

    Raises:
        ConfigError: No combination of an arm's values fits together.
        RunFolderError: A stored choice is damaged.
        RunFailedError: A tuning run failed.
        KeyboardInterrupt: A stop was requested.
    """
    options = replace(options or RunOptions(), force=False)
    study, _ = on_device(study, runs_dir)
    known = known_choices(study, runs_dir)
    remaining: dict[str, ValueLists] = {arm: study.tune for arm in study.arms if arm not in known}
    jobs: list[Job] = []
    for widened in range(MAX_WIDENINGS + 1):
        candidates = {arm: candidates_of(study.arms[arm], arm, lists) for arm, lists in remaining.items()}
        jobs = _with_new(jobs, _planned_all(study, candidates, runs_dir))
        _run(run_planned(jobs, executor, options, fail_fast=fail_fast), report)
        for arm, lists in list(remaining.items()):
            tried = [_score(study, arm, *c, runs_dir) for c in candidates[arm]]
            choice = choose_best(arm, tried, widened, lists, study.tuning_seeds)
            wider = widen(lists, choice.chosen, study.arms[arm]) if widened < MAX_WIDENINGS else None
            if wider:
                remaining[arm] = wider
                continue
            known[arm] = _store_choice(choice, _search_of(study, arm), runs_dir / study.name)
            del remaining[arm]
    _remove_leftovers(runs_dir / study.name)
    return {arm: known[arm] for arm in study.arms}


def _remove_leftovers(folder: Path) -> None:
    """Remove what a finished tuning run could not: once its choice is stored, no command looks at the run again."""
    for claim in (folder / TUNING).glob(f"*/seed-*/{CLAIM_JSON}"):
        if is_finished(claim.parent):
            with suppress(RunBusy, RunFolderError):
                claim_run(claim.parent, find_problem=lambda: "")


def _with_new(jobs: Sequence[Job], runs: Sequence[PlannedRun]) -> list[Job]:
    """Return the jobs of all runs: those that were planned before in the stacks they had, new ones in their own."""
    known, wanted = {folder for job in jobs for folder in job.folders}, {run.folder for run in runs}
    before = [kept for job in jobs if (kept := job.without(known - wanted))]
    return [*before, *jobs_of_tuning([run for run in runs if run.folder not in known])]


def _store_choice(choice: Choice, search: TuningSearch, folder: Path) -> Choice:
    try:
        return write_choice(choice, search, folder)
    except OSError as error:
        raise RunFailedError(f"{os_error_line(error, search.path(folder))} {AGAIN}") from None


def known_choices(study: Study, runs_dir: Path) -> dict[str, Choice]:
    """Read the stored choice of each arm that has one.

    Raises:
        RunFolderError: A file is damaged, or holds values that are not allowed.
    """
    study, _ = on_device(study, runs_dir)
    arms = study.arms if study.tune else ()
    found = {arm: read_choice(_search_of(study, arm), runs_dir / study.name) for arm in arms}
    known = {arm: choice for arm, choice in found.items() if choice}
    for arm, choice in known.items():
        _refuse_wrong_values(study, arm, choice, runs_dir)
    return known


def _refuse_wrong_values(study: Study, arm: str, choice: Choice, runs_dir: Path) -> None:
    try:
        with_settings(study.arms[arm], choice.chosen)
    except ValidationError:
        path = _search_of(study, arm).path(runs_dir / study.name)
        rule = f"chosen: must be values that its settings may have, got {choice.chosen!r:.80}"
        raise RunFolderError(f"{path}: {rule}. Delete it, and what was run after it.") from None


def missing_tuning_runs(study: Study, runs_dir: Path) -> dict[str, list[PlannedRun]]:
    """Return the tuning runs still to make for each arm, if no list is widened."""
    study, _ = on_device(study, runs_dir)
    chosen = known_choices(study, runs_dir)
    remaining = {arm: config for arm, config in study.arms.items() if study.tune and arm not in chosen}
    planned = {
        arm: _planned_all(study, {arm: candidates_of(config, arm, study.tune)}, runs_dir)
        for arm, config in remaining.items()
    }
    return {arm: [run for run in runs if not run.is_finished] for arm, runs in planned.items()}


def with_choices(study: Study, choices: Mapping[str, Choice]) -> Study:
    """Return the study with a tuned arm for each choice, beside the given arms if they are kept."""
    entries = {arm: tuned_entry(study, arm) for arm in choices}
    tuned = {entries[arm].label: with_settings(study.arms[arm], choice.chosen) for arm, choice in choices.items()}
    known = dict(study.entries) | {entry.label: entry for entry in entries.values()}
    return replace(study, arms=(dict(study.arms) if study.keep_given else {}) | tuned, entries=known)


def _planned_all(
    study: Study, candidates: Mapping[str, Sequence[tuple[Mapping[str, Any], RunConfig]]], runs_dir: Path
) -> list[PlannedRun]:
    planned = [_planned(study, arm, config, runs_dir) for arm, listed in candidates.items() for _, config in listed]
    return [run for runs in zip(*planned, strict=True) for run in runs]


def _planned(study: Study, arm: str, config: RunConfig, runs_dir: Path) -> list[PlannedRun]:
    """Return the tuning runs of a candidate, one per seed."""
    identity, code = identity_in(study, config), config.identity().code
    folder = runs_dir / study.name / TUNING / arm_folder_name(arm, identity.short)
    return [
        PlannedRun(f"{study.name}-{TUNING}", arm, config, seed, folder / f"seed-{seed}", identity, code)
        for seed in study.tuning_seeds
    ]


def _run(made: Iterator[RunUpdate], report: Callable[[RunUpdate], None]) -> None:
    failed = []
    for progress in made:
        report(progress)
        if progress.status == RunStatus.FAILED:
            failed.append(progress)
    if failed:
        arms = ", ".join(dict.fromkeys(progress.run.arm for progress in failed))
        rule = f"must finish before its arms can be tuned, got {len(failed)} failed runs of {arms}"
        raise RunFailedError(f"{failed[0].run.folder.parents[1]}: {rule}. The same command tries them again.")


def _score(study: Study, arm: str, values: Mapping[str, Any], config: RunConfig, runs_dir: Path) -> Trial:
    runs = [Run(planned.folder, planned.seed) for planned in _planned(study, arm, config, runs_dir)]
    scores = [read_metrics(run, [METRIC])[METRIC] for run in runs]
    return Trial(values, scores, statistics.median(scores))


def choose_best(
    arm: str, tried: Sequence[Trial], widened: int, lists: ValueLists, seeds: Sequence[int] = TUNING_SEEDS
) -> Choice:
    """Return the choice with the lowest median; the smaller of equal ones."""
    best = best_trial(tried)
    at_edge = any(is_at_end(lists[key], value) for key, value in best.values.items())
    return Choice(arm, best.values, tried, widened, at_edge, seeds)


def _search_of(study: Study, arm: str) -> TuningSearch:
    own = tuned_entry(study, arm).with_settings(flat_settings(study.arms[arm])).id
    return TuningSearch(arm, identity_in(study, study.arms[arm]).sha256, study.tune, study.tuning_seeds, own)
