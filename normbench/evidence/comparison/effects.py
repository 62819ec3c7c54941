"""Adds to each row of a comparison its effect against the baseline, with a verdict.

The rules are in docs/methods.md, "4. Verdicts of a comparison".
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from normbench.errors import ComparisonError, SettingError
from normbench.evidence.comparison.baselines import Baseline, pair_arms, resolve_baseline
from normbench.evidence.comparison.comparison import StudyComparison
from normbench.evidence.comparison.pair_effects import judged_pairs
from normbench.evidence.comparison.rows import Row, count_row_collapses
from normbench.evidence.metrics.run_metrics import OUTPUT_STDS
from normbench.evidence.metrics.scales import is_share
from normbench.evidence.statistics.paired_effect import Effect
from normbench.evidence.statistics.seed_plan import SeedPlan
from normbench.evidence.statistics.verdict_words import NO_VERDICT


def with_effects(comparison: StudyComparison, baseline: str | None = None) -> StudyComparison:
    """Return the comparison with every arm's effect on the first metric against its baseline, and their collapses.

    Where most runs collapsed there is no verdict: a difference between failed runs is none between the arms.

    Args:
        comparison: The comparison of a study's arms.
        baseline: A name under ``arms:``, a label, or keys and values ("norm=none"); by default the study's own.

    Raises:
        ComparisonError: The baseline matches no arm, or could mean two.
    """
    against = resolve_baseline_option(comparison, baseline) if baseline else comparison.against
    metric = main_metric(comparison)
    if against is None or metric is None:
        return comparison
    rows = comparison.rows
    pairs = {i: j for i, j in enumerate(pair_arms(comparison.arm_set, against)) if j is not None}
    judged = _judged_effects(rows, pairs, metric, comparison.seed_plan)
    judged = {i: without_verdict(one) for i, one in judged.items()} if comparison.not_learned else judged
    counted = {i: count_row_collapses(rows[i], rows[j]) for i, j in pairs.items()}
    compared = [replace(row, effect=judged.get(i), collapses=counted.get(i)) for i, row in enumerate(rows)]
    return replace(comparison, rows=compared, baseline=against.said, against=against)


def effects_on(comparison: StudyComparison, metric: str) -> list[Effect | None]:
    """Return each row's effect on a metric; on another than the one that decides it is a number without a verdict.

    None for baselines, and for arms without one to be compared with.
    """
    found = [row.effect for row in comparison.rows]
    if comparison.against is None or any(effect and effect.metric == metric for effect in found):
        return found
    pairs = {i: j for i, j in enumerate(pair_arms(comparison.arm_set, comparison.against)) if j is not None}
    judged = _judged_effects(comparison.rows, pairs, metric, comparison.seed_plan)
    return [without_verdict(judged[i]) if i in judged else None for i in range(len(found))]


def _judged_effects(rows: Sequence[Row], pairs: Mapping[int, int], metric: str, plan: SeedPlan) -> dict[int, Effect]:
    values = [(rows[i].values_of(metric), rows[j].values_of(metric)) for i, j in pairs.items()]
    return dict(zip(pairs, judged_pairs(metric, values, plan), strict=True))


def without_verdict(effect: Effect) -> Effect:
    """Return an effect as a number alone."""
    new = effect.new_data and replace(effect.new_data, verdict=NO_VERDICT, is_lost_to_correction=False)
    return replace(effect, verdict=NO_VERDICT, mean_word="", failed="", is_lost_to_correction=False, new_data=new)


def resolve_baseline_option(comparison: StudyComparison, text: str) -> Baseline:
    """Return the baseline that ``--baseline`` names.

    Raises:
        ComparisonError: It matches no arm, or could mean two.
    """
    try:
        return resolve_baseline(text, comparison.arm_set, "--baseline")
    except SettingError as error:
        raise ComparisonError(f"{comparison.study}: {error}".rstrip()) from None


def with_first_baseline(comparison: StudyComparison) -> StudyComparison:
    """Return the comparison with effects; where no baseline is named, the first arm is the baseline.

    It is only with several seeds, and only if the arms differ in one setting or are named in the file.
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


def margin_ends(comparison: StudyComparison, metric: str, *, is_ratio: bool) -> tuple[float, float] | None:
    """Return the smallest and the largest effect that the study's margin calls too small to matter, in effects' units.

    None where it states no margin, and for differences of a metric whose margin is a ratio.
    """
    margin = comparison.margin
    if margin is None or (is_share(metric) and not is_ratio):
        return None
    return (1 / (1 + margin), 1 + margin) if is_ratio else (-margin, margin)


def main_metric(comparison: StudyComparison) -> str | None:
    """Return the metric that verdicts are about: the first; None for a dataset without a target."""
    metrics = list(comparison.rows[0].figures) if comparison.rows else []
    return metrics[0] if metrics and metrics[0] not in OUTPUT_STDS else None


def metric_by_seed(row: Row, metric: str) -> Mapping[int, float]:
    """Return an arm's value of a metric for each seed."""
    return dict(zip(row.seeds, row.figures[metric].values, strict=True))
