"""Tunes each arm: chooses its best values on validation data and separate seeds, before the comparison.

The rules are in docs/methods.md, "7. Tuning".
"""

import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from normbench.errors import ConfigError, RunFailedError
from normbench.evidence.metrics.run_metrics import read_metrics
from normbench.evidence.tuning.ranking import best_trial
from normbench.own_code.source_folder import reading_from
from normbench.scheduling.accepted_code import identity_in
from normbench.scheduling.executors.base import Executor
from normbench.scheduling.plan import on_device
from normbench.scheduling.planned_run import PlannedRun
from normbench.scheduling.run_result import AGAIN, RunOptions
from normbench.scheduling.schedule import RunUpdate, run_planned
from normbench.storage.choices import TUNING, Choice, Trial, TuningSearch, read_choice, write_choice
from normbench.storage.files.atomic import os_error_line
from normbench.storage.files.located import Located
from normbench.storage.run_folder import Run, arm_folder_name
from normbench.storage.run_status import RunStatus
from normbench.study.arms import tuned_entry
from normbench.study.config import RunConfig
from normbench.study.contradictions import contradictions
from normbench.study.resolved import flat_settings
from normbench.study.setting_groups import RecordingConfig
from normbench.study.study import TUNING_SEEDS, Study

METRIC = "validation_loss"
MAX_WIDENINGS = 2
ValueLists = Mapping[str, Sequence[Any]]
"""Values to try, by setting."""


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
    for widened in range(MAX_WIDENINGS + 1):
        candidates = {arm: _candidates(study.arms[arm], arm, lists) for arm, lists in remaining.items()}
        _run(run_planned(_planned_all(study, candidates, runs_dir), executor, options, fail_fast=fail_fast), report)
        for arm, lists in list(remaining.items()):
            choice = choose_best(arm, [_score(study, arm, *c, runs_dir) for c in candidates[arm]], widened, lists)
            wider = _widen(lists, choice.chosen, study.arms[arm]) if widened < MAX_WIDENINGS else None
            if wider:
                remaining[arm] = wider
                continue
            known[arm] = _store_choice(choice, _search_of(study, arm), runs_dir / study.name)
            del remaining[arm]
    return {arm: known[arm] for arm in study.arms}


def _store_choice(choice: Choice, search: TuningSearch, folder: Path) -> Choice:
    try:
        return write_choice(choice, search, folder)
    except OSError as error:
        raise RunFailedError(f"{os_error_line(error, search.path(folder))} {AGAIN}") from None


def known_choices(study: Study, runs_dir: Path) -> dict[str, Choice]:
    """Read the stored choice of each arm that has one.

    Raises:
        RunFolderError: A file is damaged.
    """
    study, _ = on_device(study, runs_dir)
    arms = study.arms if study.tune else ()
    found = {arm: read_choice(_search_of(study, arm), runs_dir / study.name) for arm in arms}
    return {arm: choice for arm, choice in found.items() if choice}


def missing_tuning_runs(study: Study, runs_dir: Path) -> dict[str, list[PlannedRun]]:
    """Return the tuning runs still to make for each arm, if no list is widened."""
    study, _ = on_device(study, runs_dir)
    chosen = known_choices(study, runs_dir)
    remaining = {arm: config for arm, config in study.arms.items() if study.tune and arm not in chosen}
    planned = {
        arm: _planned_all(study, {arm: _candidates(config, arm, study.tune)}, runs_dir)
        for arm, config in remaining.items()
    }
    return {arm: [run for run in runs if not run.is_finished] for arm, runs in planned.items()}


def with_choices(study: Study, choices: Mapping[str, Choice]) -> Study:
    """Return the study with a tuned arm for each choice, beside the given arms if they are kept."""
    entries = {arm: tuned_entry(study, arm) for arm in choices}
    tuned = {entries[arm].label: with_settings(study.arms[arm], choice.chosen) for arm, choice in choices.items()}
    known = dict(study.entries) | {entry.label: entry for entry in entries.values()}
    return replace(study, arms=(dict(study.arms) if study.keep_given else {}) | tuned, entries=known)


def with_settings(config: RunConfig, values: Mapping[str, Any]) -> RunConfig:
    """Return a config with some settings changed, by dotted key.

    Raises:
        ValidationError: A value is not allowed.
    """
    changed = Located(config.settings()).overridden(Located(dict(values)))
    with reading_from(config.folder):
        return RunConfig.model_validate(changed.data)


def tuning_config(config: RunConfig) -> RunConfig:
    """Return the config with recording reduced to the first and the last step."""
    minimal: dict[str, Any] = {"every_steps": max(1, config.total_steps), "histograms": []}
    minimal |= dict.fromkeys(RecordingConfig.switches(), False)
    return with_settings(config, {f"recording.{key}": value for key, value in minimal.items()})


def _candidates(config: RunConfig, arm: str, lists: ValueLists) -> list[tuple[dict[str, Any], RunConfig]]:
    """Return the combinations of values that fit together, each with its config."""
    combinations = [dict(zip(lists, values, strict=True)) for values in product(*lists.values())]
    fitting = [values for values in combinations if len(lists) == 1 or _is_allowed(config, values)]
    if not fitting:
        rule = f"must hold values that fit together, got none for {arm}"
        raise ConfigError([f"tune: {', '.join(lists)}: {rule}. Tune one of them."])
    return [(values, tuning_config(with_settings(config, values))) for values in fitting]


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
        for seed in TUNING_SEEDS
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


def choose_best(arm: str, tried: Sequence[Trial], widened: int, lists: ValueLists) -> Choice:
    """Return the choice with the lowest median; the smaller of equal ones."""
    best = best_trial(tried)
    at_edge = any(_is_at_end(lists[key], value) for key, value in best.values.items())
    return Choice(arm, best.values, tried, widened, at_edge, TUNING_SEEDS)


def _widen(lists: ValueLists, chosen: Mapping[str, Any], config: RunConfig) -> ValueLists | None:
    """Return the lists with one more value at each end where the choice is; None if no list can be widened."""
    wider = {key: list(values) for key, values in lists.items()}
    for key, value in chosen.items():
        beyond = _next_value(lists[key], value)
        if beyond is not None and _is_allowed(config, {**chosen, key: beyond}):
            wider[key].append(beyond)
    return wider if wider != {key: list(values) for key, values in lists.items()} else None


def _next_value(values: Sequence[Any], chosen: Any) -> float | int | None:
    """Return the next value beyond the chosen end of a list of numbers; None if the choice is not at an end or is 0.

    Example:
        >>> _next_value([0.01, 0.1, 0.3], 0.3), _next_value([0.01, 0.1, 0.3], 0.01), _next_value([0.01, 0.1, 0.3], 0.1)
        (0.9, 0.001, None)
    """
    if not _is_at_end(values, chosen):
        return None
    ordered = sorted(values)
    end, neighbour = (ordered[0], ordered[1]) if chosen == ordered[0] else (ordered[-1], ordered[-2])
    if end <= 0 or neighbour <= 0:
        return None
    exact = end * end / neighbour
    beyond = max(1, round(exact)) if all(isinstance(v, int) for v in values) else float(f"{exact:.2g}")
    return None if beyond in values else beyond


def _is_at_end(values: Sequence[Any], chosen: Any) -> bool:
    """Return whether a number is the lowest or highest of its list; 0 as the lowest does not count."""
    if not all(isinstance(v, int | float) and not isinstance(v, bool) for v in values):
        return False
    return bool(chosen == max(values) or (chosen == min(values) and chosen != 0))


def _is_allowed(config: RunConfig, values: Mapping[str, Any]) -> bool:
    try:
        return not contradictions(with_settings(config, values))
    except ValidationError:
        return False


def _search_of(study: Study, arm: str) -> TuningSearch:
    own = tuned_entry(study, arm).with_settings(flat_settings(study.arms[arm])).id
    return TuningSearch(arm, identity_in(study, study.arms[arm]).sha256, study.tune, TUNING_SEEDS, own)
