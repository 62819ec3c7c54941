"""Finds which of many p values survive Benjamini and Hochberg's procedure: a bounded share of them is false."""

import math
from collections.abc import Sequence

from normbench.evidence.statistics.corrections import ALPHA


def discoveries(ps: Sequence[float], share: float = ALPHA) -> list[bool]:
    """Return for each p value whether it survives: the k smallest do, with the largest k at which p(k) <= share k / m.

    Of those that survive an expected share of at most ``share`` is false, if the tests are independent (Benjamini and
    Hochberg, 1995) or depend positively on each other (Benjamini and Yekutieli, 2001).

    Args:
        ps: p values of all m tests, in any order; nan survives at no share.
        share: Largest expected share of false discoveries, 0 to 1.

    Example:
        >>> discoveries([0.04, 0.001, 0.02, 0.6])
        [False, True, True, False]
    """
    ordered = sorted(p for p in ps if not math.isnan(p))
    below = [p for rank, p in enumerate(ordered, 1) if p * len(ps) <= share * rank]
    largest = below[-1] if below else -math.inf
    return [p <= largest for p in ps]
