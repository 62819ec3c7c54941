"""Returns margins and interval of a tested expectation on the scale of its seeds' numbers: of ratios logarithms."""

import math

from normbench.evidence.claims.margin_test import ExpectationResult


def margins_as_tested(part: ExpectationResult) -> tuple[float, float | None]:
    """Return the margins of a part on the scale of its numbers: of ratios logarithms."""
    ends = [math.log(margin) if part.is_share else margin for margin in part.margins]
    return ends[0], ends[1] if len(ends) > 1 else None


def ends_as_tested(part: ExpectationResult) -> tuple[float, float]:
    """Return the ends of a part's interval on the scale of its numbers."""
    if not part.is_share:
        return part.low, part.high
    return _logarithm(part.low), _logarithm(part.high)


def _logarithm(ratio: float) -> float:
    return math.log(ratio) if ratio > 0 else -math.inf
