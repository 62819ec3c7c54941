"""Which arm is compared with which, and the verdicts of a table."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from normbench.errors import ComparisonError, did_you_mean
from normbench.evidence.comparison import Row, StudyComparison
from normbench.evidence.metrics import OUTPUT_STDS, direction
from normbench.evidence.paired import judge, paired_effect


def with_effects(comparison: StudyComparison, baseline: str | None = None) -> StudyComparison:
    """Return the comparison with every arm's effect on the first metric against its baseline.

    Args:
        comparison: A study's arms.
        baseline: An arm, or what a grid's baseline fixes ("norm=none"); the study's own if not given.

    Raises:
        ComparisonError: No arm is called so.
    """
    label = baseline or comparison.baseline
    metric = main_metric(comparison)
    if label is None or metric is None:
        return comparison
    against = _baselines(comparison, label)
    if baseline and not any(against.values()):
        arms = list(dict.fromkeys(row.arm for row in comparison.rows))
        known = ", ".join(arms)
        raise ComparisonError(
            f"{comparison.study}: --baseline: must be one of {known}, got {label!r}.{did_you_mean(label, arms)}"
        )
    pairs = [(row, other) for i, row in enumerate(comparison.rows) if (other := against[i]) is not None]
    effects = [paired_effect(metric, _by_seed(row, metric), _by_seed(other, metric)) for row, other in pairs]
    judged = judge(effects, direction(metric))
    found = {id(row): effect for (row, _), effect in zip(pairs, judged, strict=True)}
    rows = [replace(row, effect=found.get(id(row))) for row in comparison.rows]
    return replace(comparison, rows=rows, baseline=label)


def main_metric(comparison: StudyComparison) -> str | None:
    """Return the metric that verdicts are about: the first; none for a signal that is only looked at."""
    metrics = list(comparison.rows[0].figures) if comparison.rows else []
    return metrics[0] if metrics and metrics[0] not in OUTPUT_STDS else None


def _baselines(comparison: StudyComparison, label: str) -> dict[int, Row | None]:
    """Return each row's baseline by the row's number; a baseline has none itself."""
    rows = comparison.rows
    named = [row for row in rows if row.arm == label]
    if named:
        return {i: named[0] if row is not named[0] else None for i, row in enumerate(rows)}
    rest = _free_keys(comparison.differing, label)
    candidates = [row for row in rows if set(label.split(",")) <= set(row.arm.split(","))]
    return {i: None if row in candidates else _same_rest(row, candidates, rest) for i, row in enumerate(rows)}


def _free_keys(differing: Sequence[str], label: str) -> list[str]:
    """Return the differing settings that the baseline does not fix."""
    fixed = {part.partition("=")[0] for part in label.split(",")}
    return [key for key in differing if key.rpartition(".")[2] not in fixed and key.partition(".")[0] not in fixed]


def _same_rest(row: Row, candidates: Sequence[Row], rest: Sequence[str]) -> Row | None:
    same = [other for other in candidates if all(other.settings.get(key) == row.settings.get(key) for key in rest)]
    return same[0] if same else None


def _by_seed(row: Row, metric: str) -> Mapping[int, float]:
    return dict(zip(row.seeds, row.figures[metric].values, strict=True))
