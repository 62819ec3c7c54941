"""Applies the rules to all seeds of a study's arms, and returns one finding per cause."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from normbench.evidence.comparison.comparison import StudyComparison
from normbench.evidence.layers.probe_table import ProbeTable
from normbench.evidence.layers.standout_rules import RULES, RunProbes
from normbench.findings import Finding
from normbench.storage.run_folder import Arm
from normbench.storage.study_folder import StudyFolder


def has_diagnostics(settings: Mapping[str, Any]) -> bool:
    """Return whether an arm's runs recorded diagnostics, which the rules need."""
    return bool(settings.get("recording.diagnostics"))


def study_standouts(study: StudyFolder) -> list[Finding]:
    """Return the findings of all arms of a study that recorded diagnostics.

    Raises:
        RunFolderError: A file is missing or was changed.
    """
    return [found for arm in study.arms for found in standouts(arm)]


def comparison_standouts(study: StudyFolder, comparison: StudyComparison) -> list[Finding] | None:
    """Return the findings of a compared study; None where none of its arms recorded diagnostics."""
    return study_standouts(study) if any(has_diagnostics(row.settings) for row in comparison.rows) else None


def standouts(arm: Arm) -> list[Finding]:
    """Return one finding per cause for an arm, from the seed where it is worst, with the worst layer first."""
    if not has_diagnostics(arm.settings):
        return []
    runs = [
        RunProbes(ProbeTable(run), arm.settings, [layer["name"] for layer in run.summary["layers"]]) for run in arm.runs
    ]
    by_cause: dict[str, list[Finding]] = {}
    for run in runs:
        for rule in RULES:
            for found in _join_layers(rule(run)):
                by_cause.setdefault(found.what, []).append(replace(found, source=rule.__name__))
    return [_from_worst_seed(arm.name, seeds, len(runs)) for seeds in by_cause.values()]


def _join_layers(found: Iterable[Finding]) -> list[Finding]:
    """Join findings of one cause over layers: the figure of the worst layer, and the names of all, the worst first."""
    by_cause: dict[str, list[Finding]] = {}
    for one in sorted(found, key=_value, reverse=True):
        by_cause.setdefault(one.what, []).append(one)
    layers = [dict.fromkeys(layer for one in alike for layer in one.layers) for alike in by_cause.values()]
    return [replace(alike[0], layers=tuple(names)) for alike, names in zip(by_cause.values(), layers, strict=True)]


def _from_worst_seed(arm: str, seeds: Sequence[Finding], of_seeds: int) -> Finding:
    return replace(max(seeds, key=_value), arms=(arm,), num_seeds=len(seeds), of_seeds=of_seeds)


def _value(found: Finding) -> float:
    return 0.0 if found.value is None else found.value
