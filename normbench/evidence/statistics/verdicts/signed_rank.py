"""Wilcoxon's signed-rank test by Walsh averages, with its exact null distribution; infinite differences are ranked too.

The Walsh averages of d_1 ... d_n are (d_i + d_j) / 2 for i <= j; N = n (n + 1) / 2. The statistic above a margin m is
T+ = number of averages > m, which equals the sum of the ranks of |d - m| with a positive sign (Tukey, 1949).
"""

import math
from functools import cache

import numpy as np
import numpy.typing as npt

from normbench.evidence.statistics.verdicts.ties import FloatArray, IntArray
from normbench.evidence.statistics.verdicts.walsh_search import counts_of_averages

EXACT_UP_TO = 500
"""Seeds up to which the null distribution is counted; beyond, the normal law with continuity correction."""


@cache
def null_cdf(n: int) -> FloatArray:
    """Return P(T <= t) for t = 0 ... N if every sign is a fair coin.

    With ranks up to r, f_r(t) = (f_{r-1}(t) + f_{r-1}(t - r)) / 2. Up to n = 53 every number is a whole number of 2^-n,
    and so without any error; up to EXACT_UP_TO the relative error is below 1e-12.

    Example:
        >>> (null_cdf(3) * 8).tolist()  # of 8 sign patterns
        [1.0, 2.0, 3.0, 5.0, 6.0, 7.0, 8.0]
    """
    cdf = np.cumsum(null_probabilities(n)) if n <= EXACT_UP_TO else _normal_cdf(n)
    cdf.flags.writeable = False
    return cdf


def null_probabilities(n: int) -> FloatArray:
    """Return P(T = t) for t = 0 ... N: each rank is added or not."""
    shares = np.ones(1)
    for rank in range(1, n + 1):
        longer = np.zeros(len(shares) + rank)
        longer[: len(shares)] = shares
        longer[rank:] += shares
        shares = longer / 2
    return shares


def _normal_cdf(n: int) -> FloatArray:
    from scipy.special import ndtr

    total = n * (n + 1) // 2
    std = math.sqrt(n * (n + 1) * (2 * n + 1) / 24)
    return np.asarray(ndtr((np.arange(total + 1) + 0.5 - total / 2) / std), dtype=np.float64)


def signed_rank_p(differences: npt.ArrayLike, margin: float = 0.0) -> tuple[FloatArray, FloatArray]:
    """Return the one-sided p for "above the margin", and for "below the margin".

    p above = F(N - T+) with F the null distribution: what ties, or is undefined, counts against both sides.

    Args:
        differences: Shape (..., n).
        margin: What the typical difference is compared with.

    References:
        Wilcoxon (1945), Individual comparisons by ranking methods, Biometrics Bulletin 1(6).

    Example:
        >>> above, below = signed_rank_p([1.0, 2.0, 3.0, -4.0])
        >>> float(above), float(below)  # 7 and 12 of 16 sign patterns
        (0.4375, 0.6875)
    """
    values = np.asarray(differences, dtype=np.float64)
    return p_of_counts(values.shape[-1], *counts_of_averages(values, margin))


def p_of_counts(n: int, above: int | IntArray, below: int | IntArray) -> tuple[FloatArray, FloatArray]:
    """Return ``signed_rank_p`` of n seeds from the numbers of Walsh averages above and below the margin."""
    cdf, total = null_cdf(n), n * (n + 1) // 2
    return cdf[total - above], cdf[total - below]


def largest_rank_sum(cdf: FloatArray, level: float) -> int:
    """Return the largest t with P(T <= t) <= level; -1 if there is none.

    Example:
        >>> largest_rank_sum(null_cdf(8), 0.025), largest_rank_sum(null_cdf(5), 0.025)
        (3, -1)
    """
    return int(np.searchsorted(cdf, level, side="right")) - 1
