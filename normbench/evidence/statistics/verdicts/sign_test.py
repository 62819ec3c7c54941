"""The exact sign test against a margin, and the Clopper-Pearson interval of a share such as 7 of 8 seeds."""

from functools import cache

import numpy as np
import numpy.typing as npt

from normbench.evidence.statistics.verdicts.ties import FloatArray, IntArray, counts_beyond, tolerance_of


def sign_counts(differences: npt.ArrayLike, margin: float = 0.0) -> tuple[IntArray, IntArray]:
    """Return how many differences are above, and below, the margin; shape (..., n) to (...)."""
    values = np.asarray(differences, dtype=np.float64)
    if margin == 0:  # beyond which a value is whatever its own tolerance is
        return (values > 0).sum(axis=-1), (values < 0).sum(axis=-1)
    return counts_beyond(values, tolerance_of(np.abs(values)), margin)


@cache
def upper_tail(n: int) -> FloatArray:
    """Return P(Bin(n, 1/2) >= k) for k = 0 ... n, from whole numbers.

    Example:
        >>> (upper_tail(3) * 8).tolist()
        [8.0, 7.0, 4.0, 1.0]
    """
    tail, reached, ways = np.empty(n + 1), 0, 1
    for k in range(n, -1, -1):
        reached += ways
        tail[k] = reached / 2**n
        ways = ways * k // (n - k + 1)  # to choose k - 1 of n
    tail.flags.writeable = False
    return tail


def sign_test_p(differences: npt.ArrayLike, margin: float = 0.0) -> tuple[FloatArray, FloatArray]:
    """Return the one-sided p for "the median is above the margin", and for "below"; a tie counts against both.

    It is honest for the median of every law (Arbuthnott, 1710; Dixon and Mood, 1946).

    Example:
        >>> above, below = sign_test_p([1.0, 2.0, 3.0, -4.0])
        >>> float(above), float(below)
        (0.3125, 0.9375)
    """
    above, below = sign_counts(differences, margin)
    tail = upper_tail(np.shape(differences)[-1])
    return tail[above], tail[below]


def fewest_agreeing(n: int, level: float) -> int:
    """Return the smallest k with P(Bin(n, 1/2) >= k) <= level; n + 1 if there is none.

    Example:
        >>> fewest_agreeing(8, 0.05), fewest_agreeing(4, 0.05)
        (7, 5)
    """
    return int((upper_tail(n) > level).sum())


def clopper_pearson(k: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the exact interval of a probability of which k of n were seen.

    References:
        Clopper and Pearson (1934), The use of confidence or fiducial limits, Biometrika 26(4).

    Example:
        >>> [round(end, 3) for end in clopper_pearson(7, 8)]
        [0.473, 0.997]
    """
    from scipy.special import betaincinv

    tail = (1 - confidence) / 2
    low = float(betaincinv(k, n - k + 1, tail)) if k else 0.0
    high = float(betaincinv(k + 1, n - k, 1 - tail)) if k < n else 1.0
    return low, high
