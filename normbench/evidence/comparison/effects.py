"""Which arm is compared with which, and the verdicts of a table."""

from collections.abc import Mapping
from dataclasses import replace

from normbench.errors import ComparisonError, SettingError
from normbench.evidence.comparison.baselines import Baseline, paired, resolve_baseline
from normbench.evidence.comparison.comparison import StudyComparison
from normbench.evidence.comparison.rows import Row
from normbench.evidence.metrics.directions import direction
from normbench.evidence.metrics.run_metrics import OUTPUT_STDS
from normbench.evidence.metrics.scales import metric_effect
from normbench.evidence.statistics.paired import judge


def with_effects(comparison: StudyComparison, baseline: str | None = None) -> StudyComparison:
    """Return the comparison with every arm's effect on the first metric against its baseline.

    Args:
        comparison: A study's arms.
        baseline: A name under ``arms:``, a label, or keys and values ("norm=none"); the study's own if not given.

    Raises:
        ComparisonError: No arm is so, or the baseline could mean two.
    """
    against = asked_for(comparison, baseline) if baseline else comparison.against
    metric = main_metric(comparison)
    if against is None or metric is None:
        return comparison
    rows = comparison.rows
    pairs = {i: j for i, j in enumerate(paired(comparison.arm_set, against)) if j is not None}
    effects = [metric_effect(metric, by_seed(rows[i], metric), by_seed(rows[j], metric)) for i, j in pairs.items()]
    judged = dict(zip(pairs, judge(effects, direction(metric)), strict=True))
    compared = [replace(row, effect=judged.get(i)) for i, row in enumerate(rows)]
    return replace(comparison, rows=compared, baseline=against.said, against=against)


def asked_for(comparison: StudyComparison, said: str) -> Baseline:
    """Return the baseline that a command names.

    Raises:
        ComparisonError: No arm is so, or it could mean two.
    """
    try:
        return resolve_baseline(said, comparison.arm_set, "--baseline")
    except SettingError as error:
        raise ComparisonError(f"{comparison.study}: {error}".rstrip()) from None


def with_first_baseline(comparison: StudyComparison) -> StudyComparison:
    """Return the comparison with effects; where no baseline is named, the first arm serves as one.

    That is so only over several seeds, and where one setting or the arms' own names tell the arms apart.
    """
    rows = comparison.rows
    arms = [row.arm for row in rows]
    is_one_axis = len(comparison.differing) == 1 or not comparison.is_plain
    may_serve = (
        comparison.baseline is None and comparison.is_evidence and is_one_axis and len(set(arms)) == len(arms) > 1
    )
    if not may_serve:
        return with_effects(comparison)
    return replace(with_effects(comparison, arms[0]), is_first_baseline=True)


def main_metric(comparison: StudyComparison) -> str | None:
    """Return the metric that verdicts are about: the first; none for a signal that is only looked at."""
    metrics = list(comparison.rows[0].figures) if comparison.rows else []
    return metrics[0] if metrics and metrics[0] not in OUTPUT_STDS else None


def by_seed(row: Row, metric: str) -> Mapping[int, float]:
    """Return a metric of an arm by seed."""
    return dict(zip(row.seeds, row.figures[metric].values, strict=True))
