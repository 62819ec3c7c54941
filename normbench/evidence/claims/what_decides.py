"""Computes what would change a verdict: how far its interval lies from the margin, how many seeds may decide it."""

import math

from normbench.evidence.claims.margin_test import ExpectationResult
from normbench.evidence.claims.part_scale import as_tested, ends_as_tested

MOST_SEEDS = 1000
"""Larger numbers are not told: no study has them."""


def nearest_margin(part: ExpectationResult) -> float | None:
    """Return the margin that is nearest to the effect, by ratio where effects are ratios; None without numbers."""
    if not part.margins or not math.isfinite(part.effect):
        return None
    return min(part.margins, key=lambda margin: abs(as_tested(part, margin) - as_tested(part, part.effect)))


def seeds_to_decide(part: ExpectationResult) -> float | None:
    """Return how many seeds may decide an open part if its effect is what was estimated; inf where no study has them.

    None where it cannot be told: without an interval, or where half of it is less than its distance from the margin.

    An interval's half width falls with the square root of the number of seeds; it must get smaller than the distance of
    the effect from the nearest margin.
    """
    margin, ends = nearest_margin(part), ends_as_tested(part)
    if margin is None or not all(map(math.isfinite, ends)):
        return None
    distance = abs(as_tested(part, part.effect) - as_tested(part, margin))
    needed = math.ceil(part.n * ((ends[1] - ends[0]) / 2 / distance) ** 2) if distance else math.inf
    return None if needed <= part.n else needed if needed <= MOST_SEEDS else math.inf
