"""Returns margins and interval of a tested expectation on the scale of its seeds' numbers: of ratios logarithms."""

import math

from normbench.evidence.claims.margin_test import ExpectationResult


def margins_as_tested(part: ExpectationResult) -> tuple[float, float | None]:
    """Return the margins of a part on the scale of its numbers; the second is None where there is one."""
    ends = [as_tested(part, margin) for margin in part.margins]
    return ends[0], ends[1] if len(ends) > 1 else None


def ends_as_tested(part: ExpectationResult) -> tuple[float, float]:
    """Return the ends of a part's interval on the scale of its numbers."""
    return as_tested(part, part.low), as_tested(part, part.high)


def as_tested(part: ExpectationResult, effect: float) -> float:
    """Return an effect on the scale of a part's numbers: of a ratio its logarithm."""
    if not part.is_share:
        return effect
    return math.log(effect) if effect > 0 else -math.inf
