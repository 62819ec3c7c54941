"""Computes 95 % intervals of a mean over seeds: Student's t, modified Cox for losses, on logits for accuracies.

The rules are in docs/methods.md, "2. Effects and intervals".
"""

import math
from collections.abc import Sequence

from normbench.evidence.statistics.means import mean_of, sample_std
from normbench.evidence.statistics.student import exp, mean_and_half_width, student

FEWEST_ACCURACIES = 4


def student_interval(values: Sequence[float]) -> tuple[float, float]:
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


def accuracy_interval(values: Sequence[float], num_samples: int | None = None) -> tuple[float, float]:
    """Return the ends of an interval of the mean of shares k / N inside [0, 1]; infinite where there is none.

    Student's t on the logits of (k + 0.5) / (N + 1), put back and widened to hold the mean itself. None below four
    seeds, which say too little of the spread, nor where all agree. Where N is not known, Student's t cut at 0 and 1.

    Args:
        values: The share of each seed.
        num_samples: N, the number of samples of which each is a share.

    References:
        Haldane (1956), The estimation and significance of the logarithm of a ratio of frequencies, Annals of Human
        Genetics 20: the half that is added.

    Example:
        >>> [round(end, 3) for end in accuracy_interval([0.98, 1.0, 0.99, 1.0, 0.97], 400)]
        [0.957, 1.0]
        >>> accuracy_interval([0.98, 1.0, 0.99], 400)
        (-inf, inf)
    """
    if len(values) < FEWEST_ACCURACIES or min(values) == max(values) or not all(0 <= value <= 1 for value in values):
        return -math.inf, math.inf
    if num_samples is None:
        low, high = student_interval(values)
        return max(0.0, low), min(1.0, high)
    logits = [math.log((num_samples * x + 0.5) / (num_samples * (1 - x) + 0.5)) for x in values]
    middle, half = mean_and_half_width(logits)
    ends = [((num_samples + 1) / (1 + exp(-end)) - 0.5) / num_samples for end in (middle - half, middle + half)]
    mean = mean_of(values)
    return max(0.0, min(mean, ends[0])), min(1.0, max(mean, ends[1]))
