"""What stands out in the layers of a study's arms, over its seeds."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from normbench.evidence.comparison.comparison import StudyComparison
from normbench.evidence.layers.probed import Probed
from normbench.evidence.layers.standout_rules import RULES, Seen, Standout
from normbench.storage.run_folder import Arm
from normbench.storage.study_folder import read_study_arms


def has_diagnostics(settings: Mapping[str, Any]) -> bool:
    """Return whether an arm's runs recorded what this looks at."""
    return bool(settings.get("recording.diagnostics"))


def study_standouts(folder: Path) -> list[Standout]:
    """Return what stands out in the arms of a study that recorded diagnostics.

    Raises:
        RunFolderError: A file is missing or was changed.
    """
    return [found for arm in read_study_arms(folder)[1] for found in standouts(arm)]


def comparison_standouts(comparison: StudyComparison) -> list[Standout] | None:
    """Return what stands out in a compared study; None where none of its arms recorded diagnostics."""
    if not any(has_diagnostics(row.settings) for row in comparison.rows):
        return None
    return study_standouts(Path(comparison.runs_dir) / comparison.study)


def standouts(arm: Arm) -> list[Standout]:
    """Return what stands out in an arm: one per cause, of the seed and the layer where it is worst."""
    if not has_diagnostics(arm.settings):
        return []
    runs = [Seen(Probed(run), arm.settings, [layer["name"] for layer in run.summary["layers"]]) for run in arm.runs]
    by_cause: dict[str, list[list[Standout]]] = {}
    for run in runs:
        for rule in RULES:
            for cause, found in _by_cause(rule(run)).items():
                by_cause.setdefault(cause, []).append(found)
    return [_worst(arm.name, seeds, len(runs)) for seeds in by_cause.values()]


def _by_cause(found: Iterable[Standout]) -> dict[str, list[Standout]]:
    by_cause: dict[str, list[Standout]] = {}
    for one in sorted(found, key=lambda one: -one.value):
        by_cause.setdefault(one.cause, []).append(one)
    return by_cause


def _worst(arm: str, seeds: Sequence[Sequence[Standout]], of_seeds: int) -> Standout:
    worst = max(seeds, key=lambda found: found[0].value)
    return replace(worst[0], arm=arm, num_layers=len(worst), num_seeds=len(seeds), of_seeds=of_seeds)
