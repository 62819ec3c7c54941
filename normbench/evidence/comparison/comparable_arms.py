"""Makes arms comparable over the seeds that all of them have; on finite data so that new data can be judged.

The rules are in docs/methods.md, "4. Verdicts of a comparison" and "10. Finite data".
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from normbench.evidence.comparison.rows import Row
from normbench.evidence.comparison.split_data import new_data_plan
from normbench.evidence.metrics.differences import comparable_values
from normbench.evidence.metrics.directions import direction
from normbench.evidence.metrics.scales import is_share
from normbench.evidence.statistics.seed_plan import JUDGED_ONCE, SeedPlan
from normbench.evidence.statistics.verdicts.ties import FloatArray


@dataclass(frozen=True)
class ComparableArms:
    """Arms over the seeds that all of them have.

    Attributes:
        rows: The arms.
        seeds: Their common seeds.
        values: Shape (arms, seeds); higher is better, logarithms where ratios are compared. Where the answer is about
            new data, failed runs are at the constant predictor's value.
        is_ratio: Whether they are logarithms.
        plan: How the seeds were asked for, and whether they are splits from which new data are judged.
    """

    rows: Sequence[Row]
    seeds: tuple[int, ...]
    values: FloatArray
    is_ratio: bool
    plan: SeedPlan


def comparable_arms(rows: Sequence[Row], metric: str, plan: SeedPlan = JUDGED_ONCE) -> ComparableArms:
    """Return the arms without those whose metric is not a number in some run, oriented so that higher is better."""
    known = [row for row in rows if not any(map(math.isnan, row.figures[metric].values))]
    new = new_data_plan([row.data for row in known], [metric], plan)
    seeds = tuple(plan.in_order(set.intersection(*(set(row.seeds) for row in known)))) if known else ()
    read = [row.values_of(metric) for row in known]
    by_seed = [of.by_seed if new is None else of.bounded for of in read]
    found, is_ratio = comparable_values(metric, [{seed: arm[seed] for seed in seeds} for arm in by_seed])
    sign = -1.0 if direction(metric) == "lower" else 1.0
    values = sign * np.array([list(arm.values()) for arm in found], dtype=np.float64).reshape(len(known), len(seeds))
    return ComparableArms(known, seeds, values, is_ratio, new or plan)


def log_margin(margin: float | None, metric: str, arms: ComparableArms) -> float | None:
    """Return the margin on the scale of the values; None where a share was stated of what is no ratio here."""
    if margin is None or (is_share(metric) and not arms.is_ratio):
        return None
    return math.log1p(margin) if arms.is_ratio else margin
