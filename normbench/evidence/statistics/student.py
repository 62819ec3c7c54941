"""Computes Student's 95 % interval of a mean, and e^x without overflow."""

import math
import sys
from collections.abc import Sequence
from functools import cache

from normbench.evidence.statistics.corrections import ALPHA
from normbench.evidence.statistics.means import mean_of, sample_std

MAX_EXPONENT = math.log(sys.float_info.max)


def exp(value: float) -> float:
    """Return e^value, or infinity where it is too large for a float."""
    return math.inf if value >= MAX_EXPONENT else math.exp(value)


def mean_and_half_width(differences: Sequence[float]) -> tuple[float, float]:
    """Return the mean and half the width of Student's 95 % interval."""
    n = len(differences)
    if n < 2:
        return (differences[0] if differences else math.nan), math.inf
    return mean_of(differences), student(n - 1) * sample_std(differences) / math.sqrt(n)


@cache
def student(degrees: int) -> float:
    """Return the two-sided 95 % quantile of Student's t."""
    from scipy.special import stdtrit  # without scipy.stats, which takes a second to import

    return float(stdtrit(degrees, 1 - ALPHA / 2))
