"""Computes Kendall's tau between two lists, and the slope of a logarithm along a list."""

from collections.abc import Sequence
from itertools import combinations
from math import isfinite, isnan, log, nan, sqrt
from statistics import linear_regression


def kendall_tau(along: Sequence[float], values: Sequence[float]) -> float:
    """Return Kendall's tau-b (Kendall, 1945) between two lists: 1 if both rise together, -1 if one falls; ties are 0.

    It is nan if a value is nan.

    Example:
        >>> kendall_tau([2, 4, 8, 32], [0.1, 0.2, 0.15, 0.3])
        0.6666666666666666
        >>> kendall_tau([1, 2, 3], [5, 5, 5])
        0.0
    """
    if any(map(isnan, values)):
        return nan
    pairs = [(_sign(b - a), _sign(d - c)) for (a, c), (b, d) in combinations(zip(along, values, strict=True), 2)]
    agreement = sum(x * y for x, y in pairs)
    untied = sqrt(sum(abs(x) for x, _ in pairs) * sum(abs(y) for _, y in pairs))
    return agreement / untied if untied else 0.0


def null_std_of_tau(num_places: int) -> float:
    """Return the standard deviation of tau between a list and values in any order (Kendall, 1938).

    Example:
        >>> [round(null_std_of_tau(num_places), 3) for num_places in (2, 3, 5)]
        [1.0, 0.638, 0.408]
    """
    return sqrt(2 * (2 * num_places + 5) / (9 * num_places * (num_places - 1)))


def log_slope(values: Sequence[float]) -> float | None:
    """Return the least-squares slope of ln(value) per place; None unless there are two or more, all positive.

    Example:
        >>> round(log_slope([8.0, 4.0, 2.0]), 4)  # ln(1 / 2)
        -0.6931
        >>> log_slope([1.0, 0.0]) is None
        True
    """
    if len(values) < 2 or not all(value > 0 and isfinite(value) for value in values):
        return None
    return linear_regression(range(len(values)), [log(value) for value in values]).slope


def _sign(number: float) -> int:
    return (number > 0) - (number < 0)
