"""Counts values above and below a margin so that rounding errors of floats neither make nor break a tie.

0.92 - 0.91 is 0.010000000000000009 as a float, and must not count as more than 0.01. So a value ties with the margin if
they differ by at most 2^-36 of the value's size. Errors of a - b are about 2^-53 of a: ties are seen as long as a is at
most 2^16 times as large as the difference. The tolerance is each value's own, so that one huge value hides no other.
"""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
RELATIVE = 2.0**-36


def tolerance_of(sizes: FloatArray) -> FloatArray:
    """Return by how much values of these sizes (not negative) may be off by rounding; 0 for inf and nan."""
    return np.where(np.isfinite(sizes), sizes * RELATIVE, 0.0)


def counts_beyond(values: FloatArray, tolerance: FloatArray, margin: float) -> tuple[IntArray, IntArray]:
    """Return per row how many values are above, and below, the margin; ties and nan are neither.

    Example:
        >>> values = np.array([0.92 - 0.91, 0.5, -np.inf, np.nan])
        >>> above, below = counts_beyond(values, tolerance_of(np.abs(values)), 0.01)
        >>> int(above), int(below)
        (1, 1)
    """
    return (values - tolerance > margin).sum(axis=-1), (values + tolerance < margin).sum(axis=-1)


def sum_or_tie(terms: Sequence[float]) -> float:
    """Return the sum of some numbers; 0 where all that is left is their rounding, which must not break a tie with 0.

    Example:
        >>> sum([0.3, -0.1, -0.5, 0.3]), sum_or_tie([0.3, -0.1, -0.5, 0.3])
        (-5.551115123125783e-17, 0.0)
        >>> sum_or_tie([math.inf, -1.0]), sum_or_tie([math.inf, -math.inf])
        (inf, nan)
    """
    total = sum(terms)
    largest = max(map(abs, terms), default=0.0)
    return 0.0 if math.isfinite(total) and abs(total) <= largest * RELATIVE else total
