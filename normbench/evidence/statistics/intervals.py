"""Computes 95 % intervals of a mean over seeds: Student's t, and the modified Cox interval of a log-normal law.

The rules are in docs/methods.md, "2. Effects and intervals".
"""

import math
from collections.abc import Sequence

from normbench.evidence.statistics.means import mean_of, sample_std
from normbench.evidence.statistics.student import exp, mean_and_half_width, student


def student_interval(_: str, values: Sequence[float]) -> tuple[float, float]:
    """Return the ends of Student's 95 % interval; for two or three losses it is far narrower than Cox's."""
    if len(values) < 2 or not all(map(math.isfinite, values)):
        return -math.inf, math.inf
    mean, half = mean_and_half_width(values)
    return mean - half, mean + half


def log_normal_interval(values: Sequence[float]) -> tuple[float, float]:
    """Return the ends of the modified Cox interval of positive values, the mean of a log-normal law.

    References:
        Olsson (2005), Confidence intervals for the mean of a log-normal distribution, J. Statistics Education 13(1).
    """
    logs, n = [math.log(value) for value in values], len(values)
    variance = sample_std(logs) ** 2
    middle = mean_of(logs) + variance / 2
    half = student(n - 1) * math.sqrt(variance / n + variance**2 / (2 * n - 2))
    mean = mean_of(values)
    return min(mean, exp(middle - half)), max(mean, exp(middle + half))
