"""Corrects the p values of several comparisons (Holm), and tells with how many seeds a corrected p can decide."""

from collections.abc import Sequence

ALPHA = 0.05
"""Share of false verdicts that is accepted."""


def holm(ps: Sequence[float]) -> list[float]:
    """Return Holm's corrected p values, in the order given (Holm, 1979).

    Example:
        >>> holm([0.01, 0.04, 0.03])
        [0.03, 0.06, 0.06]
    """
    corrected, highest = [0.0] * len(ps), 0.0
    for rank, i in enumerate(sorted(range(len(ps)), key=lambda i: ps[i])):
        highest = max(highest, min(1.0, (len(ps) - rank) * ps[i]))
        corrected[i] = highest
    return corrected


def seeds_for_a_verdict(num_comparisons: int) -> int:
    """Return the fewest seeds with which the test can reach 0.05 after correction: 6, 7, 8, 9 for 1, 3, 6, 12."""
    n = 1
    while num_comparisons * 2.0 ** (1 - n) > ALPHA:
        n += 1
    return n
