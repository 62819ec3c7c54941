"""Counts and finds Walsh averages of many seeds without listing them all: of 1,000 seeds there are half a million.

With the differences sorted the averages rise along i and along j, so that those far below or above a number are counted
by a binary search per difference, and only those near it are computed one by one. Far means further than any rounding;
so the results are, bit by bit, those of all averages.

References:
    Johnson and Mizoguchi (1978), Selecting the Kth element in X + Y and X1 + X2 + ... + Xm, SIAM Journal on Computing
    7(2): the sorted matrix of pairs.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from normbench.evidence.statistics.verdicts.ties import RELATIVE, FloatArray, IntArray, counts_beyond
from normbench.evidence.statistics.verdicts.walsh import (
    Averages,
    Listed,
    averages_of_pairs,
    middle_between,
    smallest,
    walsh_averages,
)

LISTED_UP_TO = 128
"""Seeds up to which all averages are listed, which is as fast."""
NEAR = 2 * RELATIVE
"""Averages that lie nearer to a number than this part of the largest difference are computed one by one."""
NUM_PIVOTS = 64
"""Differences of which all averages are pivots of a search."""


def counts_of_averages(differences: FloatArray, margin: float) -> tuple[IntArray, IntArray]:
    """Return how many averages are above, and below, the margin; shape (..., n) to (...)."""
    if differences.shape[-1] <= LISTED_UP_TO:
        return counts_beyond(*walsh_averages(differences), margin)
    counts = [Searched(row).counts_beyond(margin) for row in differences.reshape(-1, differences.shape[-1])]
    above, below = np.array(counts, dtype=np.int64).reshape(-1, 2).T
    return above.reshape(differences.shape[:-1]), below.reshape(differences.shape[:-1])


def lowered_average(differences: FloatArray, rank: int) -> FloatArray:
    """Return the average with a rank, from 0, when each is lowered by its tolerance; shape (..., n) to (...)."""
    if differences.shape[-1] <= LISTED_UP_TO:
        averages, tolerance = walsh_averages(differences)
        return smallest(averages - tolerance, rank)
    found = [Searched(row).lowered(rank) for row in differences.reshape(-1, differences.shape[-1])]
    return np.array(found, dtype=np.float64).reshape(differences.shape[:-1])


def averages_of_sample(differences: FloatArray) -> Averages:
    """Return the Walsh averages of one sample, shape (n,)."""
    return Listed(differences) if len(differences) <= LISTED_UP_TO else Searched(differences)


class Searched:
    """Keeps the sorted differences of a sample, and computes only those of its averages that are asked about."""

    def __init__(self, differences: FloatArray) -> None:
        finite = np.isfinite(differences)
        self._finite = FiniteSample(np.sort(differences[finite]))
        num_high, num_low = (int((differences == end).sum()) for end in (math.inf, -math.inf))
        n, m = len(differences), int(finite.sum())
        self._num_high, self._num_low = (of * m + of * (of + 1) // 2 for of in (num_high, num_low))
        self._num_nan = n * (n + 1) // 2 - self._finite.num_averages - self._num_high - self._num_low

    def counts_beyond(self, margin: float) -> tuple[int, int]:
        """Return how many averages are above, and below, the margin."""
        above, below = self._finite.counts_beyond(margin)
        return above + self._num_high * (margin < math.inf), below + self._num_low * (margin > -math.inf)

    def lowered(self, rank: int) -> float:
        """Return the average with a rank when each is lowered by its tolerance."""
        return self._ranked(rank - self._num_nan, is_lowered=True)

    def raised(self, rank: int) -> float:
        """Return the average with a rank from above when each is raised by its tolerance."""
        return -self._negated.lowered(rank)

    @cached_property
    def _negated(self) -> "Searched":
        found = object.__new__(Searched)
        found._finite, found._num_nan = FiniteSample(-self._finite.values[::-1]), self._num_nan
        found._num_high, found._num_low = self._num_low, self._num_high
        return found

    def middle(self) -> float:
        """Return the median of the averages."""
        num_known = self._finite.num_averages + self._num_high + self._num_low
        if not num_known:
            return math.nan
        low, high = (self._ranked(rank, is_lowered=False) for rank in ((num_known - 1) // 2, num_known // 2))
        return middle_between(low, high)

    def _ranked(self, rank: int, *, is_lowered: bool) -> float:
        """Return the average with a rank, from 0, of those that are not nan; -inf for a rank below 0."""
        if rank < self._num_low:
            return -math.inf
        rank -= self._num_low
        return self._finite.ranked(rank, is_lowered=is_lowered) if rank < self._finite.num_averages else math.inf


@dataclass(frozen=True)
class FiniteSample:
    """Sorted finite differences, and their averages by i <= j.

    Attributes:
        values: The sorted differences, shape (m,).
    """

    values: FloatArray

    @property
    def num_averages(self) -> int:
        """Number of the averages."""
        return len(self.values) * (len(self.values) + 1) // 2

    @cached_property
    def _halves(self) -> FloatArray:
        return self.values / 2

    @cached_property
    def _near(self) -> float:
        """Distance within which averages are computed one by one: more than rounding and tolerance together."""
        largest = max(-self.values[0], self.values[-1], 0.0) if len(self.values) else 0.0
        return float(largest * NEAR + np.finfo(np.float64).tiny)

    def counts_beyond(self, margin: float) -> tuple[int, int]:
        """Return how many averages are above, and below, the margin by more than their tolerance."""
        starts, ends = self._starts(margin - self._near), self._starts(margin + self._near, is_after=True)
        above, below = counts_beyond(*self._between(starts, ends), margin)
        return self.num_averages - self._num_before(ends) + int(above), self._num_before(starts) + int(below)

    def ranked(self, rank: int, *, is_lowered: bool) -> float:
        """Return the average with a rank, from 0; each lowered by its tolerance first, if asked.

        A pivot below which no more than ``rank`` averages lie is not above it, lowering apart; and one below which more
        lie is not below it. So it is among the averages from the one pivot to the other, and those near them.
        """
        pivots = self._pivots
        low, high = 0, len(pivots) - 1
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self._num_before(self._starts(pivots[middle])) <= rank else (low, middle)
        starts, ends = self._starts(pivots[low] - self._near), self._starts(pivots[high] + self._near, is_after=True)
        averages, tolerance = self._between(starts, ends)
        rank -= self._num_before(starts)
        return float(np.partition(averages - tolerance if is_lowered else averages, rank)[rank])

    @cached_property
    def _pivots(self) -> FloatArray:
        """Sorted averages of some of the differences, between -inf and inf."""
        some = np.linspace(0, len(self.values) - 1, min(NUM_PIVOTS, len(self.values))).astype(np.int64)
        return np.concatenate([[-math.inf], np.sort(walsh_averages(self.values[some])[0]), [math.inf]])

    def _starts(self, bound: float, *, is_after: bool = False) -> IntArray:
        """Return for each i the first j >= i whose average is not below the bound, or is above it, but for rounding."""
        found = np.searchsorted(self._halves, (bound - self._halves)[::-1], side="right" if is_after else "left")[::-1]
        return np.maximum(found, np.arange(len(found)))

    def _num_before(self, starts: IntArray) -> int:
        """Return how many averages lie before the first j of each i."""
        return int(starts.sum()) - len(starts) * (len(starts) - 1) // 2

    def _between(self, starts: IntArray, ends: IntArray) -> tuple[FloatArray, FloatArray]:
        """Return the averages from the first j to before the last j of each i, with their tolerances."""
        counts = ends - starts
        first = np.repeat(np.arange(len(counts)), counts)
        second = np.arange(len(first)) + np.repeat(starts - (np.cumsum(counts) - counts), counts)
        return averages_of_pairs(self.values, first, second)
