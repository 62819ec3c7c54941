"""Which arm is compared with which, and the verdicts of a table."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from normbench.errors import ComparisonError, did_you_mean
from normbench.evidence.claims.expectations import TUNED, label_parts
from normbench.evidence.comparison.comparison import Row, StudyComparison
from normbench.evidence.comparison.selection import is_chosen, is_tuned
from normbench.evidence.metrics.directions import direction
from normbench.evidence.metrics.run_metrics import OUTPUT_STDS
from normbench.evidence.statistics.paired import judge, paired_effect


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
    effects = [paired_effect(metric, by_seed(row, metric), by_seed(other, metric)) for row, other in pairs]
    judged = judge(effects, direction(metric))
    found = {id(row): effect for (row, _), effect in zip(pairs, judged, strict=True)}
    rows = [replace(row, effect=found.get(id(row))) for row in comparison.rows]
    return replace(comparison, rows=rows, baseline=label)


def main_metric(comparison: StudyComparison) -> str | None:
    """Return the metric that verdicts are about: the first; none for a signal that is only looked at."""
    metrics = list(comparison.rows[0].figures) if comparison.rows else []
    return metrics[0] if metrics and metrics[0] not in OUTPUT_STDS else None


def _baselines(comparison: StudyComparison, label: str) -> dict[int, Row | None]:
    """Return each row's baseline by the row's number; a baseline has none itself.

    A tuned arm is judged against the tuned baseline, unless the label names one arm for all.
    """
    rows = comparison.rows
    named: dict[bool, Row] = {}
    for row in rows:
        if row.arm in (label, f"{label},{TUNED}"):
            named.setdefault(is_tuned(row.arm) and not is_tuned(label), row)
    if is_tuned(label) and named:
        named = dict.fromkeys((True, False), named[False])
    if named:
        of = [named.get(is_tuned(row.arm)) for row in rows]
        return {i: None if row is of[i] else of[i] for i, row in enumerate(rows)}
    return _grid_baselines(comparison, label)


def _grid_baselines(comparison: StudyComparison, label: str) -> dict[int, Row | None]:
    """Return each row's baseline in a grid: the arm that the label fixes, in the row's combination of the rest."""
    rest, parts = _free_keys(comparison.differing, label), label_parts(label)
    candidates: dict[tuple[str, ...], Row] = {}
    for row in comparison.rows:
        if parts <= label_parts(row.arm):
            candidates.setdefault(_rest(comparison, row, rest), row)
    are_baselines = [parts <= label_parts(row.arm) for row in comparison.rows]
    return {
        i: None if are_baselines[i] else candidates.get(_rest(comparison, row, rest))
        for i, row in enumerate(comparison.rows)
    }


def _rest(comparison: StudyComparison, row: Row, keys: Sequence[str]) -> tuple[str, ...]:
    """Return what arm and baseline must have in common; what tuning chose need not be."""
    tuned = is_tuned(row.arm)
    free = comparison.tuned_keys if tuned else ()
    return (str(tuned), *(str(row.settings.get(key)) for key in keys if not is_chosen(key, free)))


def _free_keys(differing: Sequence[str], label: str) -> list[str]:
    """Return the differing settings that the baseline does not fix."""
    fixed = {part.partition("=")[0] for part in label.split(",")}
    return [key for key in differing if key.rpartition(".")[2] not in fixed and key.partition(".")[0] not in fixed]


def by_seed(row: Row, metric: str) -> Mapping[int, float]:
    """Return a metric of an arm by seed."""
    return dict(zip(row.seeds, row.figures[metric].values, strict=True))
