"""Judges pairs of arms of one table: the effect over the seeds and, on finite data, the effect on new data beside it.

The rules are in docs/methods.md, "4. Verdicts of a comparison" and "10. Finite data".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from normbench.evidence.comparison.split_data import SplitData, new_data_plan, why_not_new
from normbench.evidence.metrics.differences import metric_effect, paired_differences
from normbench.evidence.metrics.directions import direction
from normbench.evidence.statistics.new_data_effect import NewDataEffect, judge_new_data, new_data_effect
from normbench.evidence.statistics.paired_effect import Effect, judge_effects
from normbench.evidence.statistics.seed_plan import SeedPlan
from normbench.evidence.statistics.verdict_words import on_these_rows


@dataclass(frozen=True)
class ArmValues:
    """An arm's values of one metric.

    Attributes:
        by_seed: The value of each seed.
        bounded: The same with failed runs at the constant predictor's value; empty on generated data.
        data: The arm's finite data; None on generated data.
    """

    by_seed: Mapping[int, float]
    bounded: Mapping[int, float]
    data: SplitData | None


Pair = tuple[ArmValues, ArmValues]
"""An arm and its baseline."""


def judged_pairs(metric: str, pairs: Sequence[Pair], plan: SeedPlan) -> list[Effect]:
    """Return the effect of each pair with its verdict, p corrected over the pairs.

    On finite data the verdict over the seeds is one on these rows, and the effect on new data stands beside it.
    """
    found = [metric_effect(metric, arm.by_seed, baseline.by_seed) for arm, baseline in pairs]
    judged, beside = judge_effects(found, direction(metric), plan), _on_new_data(metric, pairs, plan)
    return [
        effect if new is None else replace(effect, verdict=on_these_rows(effect.verdict), new_data=new)
        for effect, new in zip(judged, beside, strict=True)
    ]


def _on_new_data(metric: str, pairs: Sequence[Pair], plan: SeedPlan) -> list[NewDataEffect | None]:
    """Return the effect of each pair on new data; None on generated data."""
    measured = [_measured(metric, arm, baseline, plan) for arm, baseline in pairs]
    told = {i: one for i, one in enumerate(measured) if one is not None and not one.why_not}
    judged = dict(zip(told, judge_new_data(list(told.values()), direction(metric)), strict=True))
    return [judged.get(i, one) for i, one in enumerate(measured)]


def _measured(metric: str, arm: ArmValues, baseline: ArmValues, plan: SeedPlan) -> NewDataEffect | None:
    """Return a pair's effect on new data without a verdict, or with why nothing is said of new data."""
    data = (arm.data, baseline.data)
    if data == (None, None):
        return None
    new, why_not = new_data_plan(data, [metric], plan), why_not_new(data, [metric])
    differences, is_ratio = paired_differences(metric, arm.bounded, baseline.bounded)
    if new is None:
        return NewDataEffect(len(differences), is_ratio, verdict=why_not, why_not=why_not)
    return new_data_effect(differences, new.rule(differences), is_ratio=is_ratio)
