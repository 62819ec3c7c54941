"""Finds for each of several arms the largest upper bound of the others less it, and computes few bounds for it.

With k arms there are k (k - 1) samples of differences, and each bound looks for one of n (n + 1) / 2 averages. That a
bound does not exceed a number is seen sooner: from mean and standard deviation, since of any numbers only so many lie
so far above their mean (Cantelli), or from the number of averages above it, which is a sum of ranks (Tukey). So the
bound that is probably the largest is computed, then those that may exceed it.

References:
    Cantelli (1928), Sui confini della probabilità, Atti del Congresso Internazionale dei Matematici 6.
    Tukey (1949), The simplest signed-rank tests, Princeton.
"""

import math

import numpy as np

from normbench.evidence.statistics.verdicts.sign_test import fewest_agreeing
from normbench.evidence.statistics.verdicts.signed_rank import largest_rank_sum, null_cdf
from normbench.evidence.statistics.verdicts.ties import RELATIVE, FloatArray, IntArray, tolerance_of
from normbench.evidence.statistics.verdicts.walsh import smallest
from normbench.evidence.statistics.verdicts.walsh_search import averages_of_sample

ROUNDING = 2.0**-40
"""Part of the squares of values by which a variance computed from them may be off."""

LEAST = 2.0**-500
"""More than squares that are rounded to 0 add to a standard deviation; the largest value is 1."""


def largest_upper_bounds(values: FloatArray, rank_level: float, sign_level: float) -> list[float]:
    """Return for each arm the largest ``upper_bound`` of (another arm - this arm).

    Args:
        values: Shape (arms, n), two arms or more.
        rank_level: One-sided level of the signed ranks.
        sign_level: One-sided level of the signs.

    Example:
        >>> seeds = np.arange(8.0)
        >>> [round(bound, 9) for bound in largest_upper_bounds(np.array([seeds, seeds + 1, seeds - 3]), 0.025, 0.05)]
        [1.0, -1.0, 4.0]
    """
    num_arms, n = values.shape
    rank_sum, agreeing = largest_rank_sum(null_cdf(n), rank_level), fewest_agreeing(n, sign_level)
    if rank_sum < 0 or agreeing > n:
        return [math.inf] * num_arms
    with np.errstate(invalid="ignore"):  # -inf - -inf is a tie; what is not finite excludes nothing
        scale = np.abs(values).max(initial=0.0, where=np.isfinite(values)) or 1.0
        scaled = values / scale  # so that no square overflows, and none that counts is rounded to 0
        means, stds = scaled.mean(axis=-1), _stds_of_differences(scaled)
        ends = (means + _reach(n, rank_sum, agreeing) * stds - means[:, None]) * scale
        guesses = np.nan_to_num(means + math.sqrt(-2 * math.log(rank_level) / n) * stds - means[:, None], nan=-np.inf)
        np.fill_diagonal(guesses, -np.inf)
        return [_largest(values, arm, ends[arm], guesses[arm], rank_sum, agreeing) for arm in range(num_arms)]


def _stds_of_differences(values: FloatArray) -> FloatArray:
    """Return the standard deviations of all differences between two arms, or somewhat more, for rounding."""
    centered = values - values.mean(axis=-1, keepdims=True)
    shared, sizes = centered @ centered.T / values.shape[-1], (values**2).max(axis=-1)
    variances = np.diag(shared) + np.diag(shared)[:, None] - 2 * shared
    stds: FloatArray = np.sqrt(np.maximum(variances, 0.0) + ROUNDING * (sizes + sizes[:, None])) + LEAST
    return stds


def _reach(n: int, rank_sum: int, agreeing: int) -> float:
    """Return how many standard deviations above the mean a bound of any sample lies at most, by Cantelli's inequality.

    A share p of some numbers lies at most sqrt((1 - p) / p) standard deviations above their mean. The variance of the
    averages is (n + 2) / (2n + 2) of that of the differences.
    """
    of_averages, of_values = (rank_sum + 1) / (n * (n + 1) / 2), (n - agreeing + 1) / n
    of_ranks = (1 / of_averages - 1) * (n + 2) / (2 * n + 2)
    return math.sqrt(max(of_ranks, 1 / of_values - 1))


def _largest(
    values: FloatArray, arm: int, ends: FloatArray, guesses: FloatArray, rank_sum: int, agreeing: int
) -> float:
    """Return the largest bound of the others less an arm; ``ends`` are never less than the bounds, where finite."""
    first = int(guesses.argmax()) if guesses.max() > -np.inf else (arm + 1) % len(values)
    found = largest_bound(values[[first]] - values[arm], rank_sum, agreeing)
    may_exceed = ~(ends < found)
    may_exceed[[arm, first]] = False
    return largest_bound(values[may_exceed] - values[arm], rank_sum, agreeing, found)


def largest_bound(samples: FloatArray, rank_sum: int, agreeing: int, at_least: float = -math.inf) -> float:
    """Return the largest of a number and the upper bounds of some samples, shape (samples, n)."""
    n = samples.shape[-1]
    of_signs = -smallest(-samples - tolerance_of(np.abs(samples)), n - agreeing)
    left = np.argsort(-of_signs, kind="stable")
    largest = max(at_least, float(of_signs.max(initial=-math.inf)))
    left = left[num_above(samples[left], largest) > rank_sum]
    while len(left) and largest < math.inf:
        largest = max(largest, averages_of_sample(samples[left[0]]).raised(rank_sum))
        left = left[1:]
        left = left[num_above(samples[left], largest) > rank_sum]
    return largest


def num_above(samples: FloatArray, bound: float) -> IntArray:
    """Return how many Walsh averages of each sample are above a bound, or too near to it to tell; nan are above.

    It is the sum of the ranks, by distance from the bound, of the differences above it. An infinite difference is
    farther than any other, and inf is farther than -inf.
    """
    sizes = np.where(np.isfinite(samples), np.abs(samples), 0.0).max(axis=-1, keepdims=True, initial=0.0)
    near = 2 * RELATIVE * sizes + np.finfo(np.float64).tiny
    with np.errstate(invalid="ignore"):  # of infinite differences the distance is set below
        distances = samples / 16 - (bound - near) / 16  # no sum of four overflows
    farthest = 2 * np.where(np.isfinite(distances), np.abs(distances), 0.0).max(axis=-1, keepdims=True, initial=1.0)
    distances = np.where(np.isneginf(samples), -farthest, distances)
    distances = np.where(np.isnan(samples) | np.isposinf(samples), 2 * farthest, distances)
    order = np.abs(distances).argsort(axis=-1)
    is_above = np.take_along_axis(distances, order, axis=-1) > 0
    found: IntArray = (is_above * np.arange(1, samples.shape[-1] + 1)).sum(axis=-1)
    return found
