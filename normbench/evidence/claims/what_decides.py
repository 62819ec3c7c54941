"""Computes what would change a verdict: how far its interval lies from the margin, how many seeds may decide it."""

import math
from collections.abc import Sequence

from normbench.evidence.claims.margin_test import ExpectationResult

MOST_SEEDS = 1000
"""Larger numbers are not told: no study has them."""


def nearest_margin(part: ExpectationResult) -> float | None:
    """Return the margin that is nearest to the effect, by ratio where effects are ratios; None without numbers."""
    if not part.margins or not math.isfinite(part.effect):
        return None
    return min(part.margins, key=lambda margin: abs(_scaled(part, margin) - _scaled(part, part.effect)))


def seeds_to_decide(part: ExpectationResult) -> int | None:
    """Return how many seeds may decide an open part if its effect is what was estimated; None where none can be told.

    An interval's half width falls with the square root of the number of seeds; it must get smaller than the distance of
    the effect from the nearest margin.
    """
    margin, ends = nearest_margin(part), _ends(part)
    if margin is None or ends is None:
        return None
    distance = abs(_scaled(part, part.effect) - _scaled(part, margin))
    if distance == 0:
        return None
    needed = math.ceil(part.n * max(1.0, ((ends[1] - ends[0]) / 2 / distance) ** 2))
    return needed if part.n < needed <= MOST_SEEDS else None


def _ends(part: ExpectationResult) -> Sequence[float] | None:
    ends = [_scaled(part, end) for end in (part.low, part.high)]
    return ends if all(map(math.isfinite, ends)) else None


def _scaled(part: ExpectationResult, value: float) -> float:
    if not part.is_share:
        return value
    return math.log(value) if value > 0 else -math.inf
