"""Lists the Walsh averages of a sample, counts those beyond a margin, and finds one by its rank.

The averages of d_1 ... d_n are (d_i + d_j) / 2 for i <= j, n (n + 1) / 2 of them.
"""

import math
from typing import Protocol

import numpy as np
import numpy.typing as npt

from normbench.evidence.statistics.verdicts.ties import FloatArray, IntArray, counts_beyond, tolerance_of


def walsh_averages(differences: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Return the n (n + 1) / 2 averages of pairs, each value paired with itself too, and their rounding tolerances.

    An average of inf and -inf, or of nan, is nan: it lies neither above nor below anything.

    Args:
        differences: Shape (..., n); each row is one sample.

    Example:
        >>> walsh_averages([1.0, 3.0, 8.0])[0].tolist()
        [1.0, 2.0, 4.5, 3.0, 5.5, 8.0]
    """
    values = np.asarray(differences, dtype=np.float64)
    first, second = np.triu_indices(values.shape[-1])
    return averages_of_pairs(values, first, second)


def averages_of_pairs(values: FloatArray, first: IntArray, second: IntArray) -> tuple[FloatArray, FloatArray]:
    """Return the averages of the values at two lists of places, and their rounding tolerances."""
    halves, sizes = values / 2, np.abs(values)
    with np.errstate(invalid="ignore"):
        averages: FloatArray = halves[..., first] + halves[..., second]
    return averages, tolerance_of(np.maximum(sizes[..., first], sizes[..., second]))


class Averages(Protocol):
    """The Walsh averages of one sample."""

    def counts_beyond(self, margin: float) -> tuple[int, int]:
        """Return how many averages are above, and below, the margin; ties and nan are neither."""

    def lowered(self, rank: int) -> float:
        """Return the average with a rank, from 0, when each is lowered by its tolerance; nan stand first, as -inf."""

    def raised(self, rank: int) -> float:
        """Return the average with a rank from above, from 0, when each is raised; nan stand first, as inf."""

    def middle(self) -> float:
        """Return the median of the averages; nan if there are none, or if inf and -inf balance."""


class Listed:
    """Keeps all averages of a sample."""

    def __init__(self, differences: FloatArray) -> None:
        self._averages, self._tolerance = walsh_averages(differences)

    def counts_beyond(self, margin: float) -> tuple[int, int]:
        """Return how many averages are above, and below, the margin."""
        above, below = counts_beyond(self._averages, self._tolerance, margin)
        return int(above), int(below)

    def lowered(self, rank: int) -> float:
        """Return the average with a rank when each is lowered by its tolerance."""
        return float(smallest(self._averages - self._tolerance, rank))

    def raised(self, rank: int) -> float:
        """Return the average with a rank from above when each is raised by its tolerance."""
        return -float(smallest(-self._averages - self._tolerance, rank))

    def middle(self) -> float:
        """Return the median of the averages."""
        return middle_of(self._averages)


def smallest(values: FloatArray, rank: int) -> FloatArray:
    """Return the value with a rank, from 0, of each row; nan, which is never above a margin, stands first."""
    found: FloatArray = np.partition(np.where(np.isnan(values), -math.inf, values), rank, axis=-1)[..., rank]
    return found


def middle_of(averages: FloatArray) -> float:
    """Return the median of Walsh averages without nan; nan if there are none, or if inf and -inf balance."""
    known = averages[~np.isnan(averages)]
    if not len(known):
        return math.nan
    ranks = ((len(known) - 1) // 2, len(known) // 2)
    ordered = np.partition(known, ranks)
    return middle_between(float(ordered[ranks[0]]), float(ordered[ranks[1]]))


def middle_between(low: float, high: float) -> float:
    """Return the mean of two numbers without overflow.

    Example:
        >>> middle_between(1.0, 2.0), middle_between(math.inf, math.inf), middle_between(1.7e308, 1.7e308)
        (1.5, inf, 1.7e+308)
    """
    return low if low == high else low / 2 + high / 2
