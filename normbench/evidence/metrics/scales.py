"""Which metrics are compared by ratios, and which by differences: effects and intervals accordingly.

The rules are in docs/methods.md, "2. Effects and intervals".
"""

import math
from collections.abc import Sequence

from normbench.evidence.metrics.column_kinds import has_ratios
from normbench.evidence.metrics.group_reducers.base import find_group_reducers
from normbench.evidence.metrics.metric_words import find_metric
from normbench.evidence.statistics.intervals import log_normal_interval, student_interval


def is_share(metric: str) -> bool:
    """Return whether effects on the metric are ratios: of losses, of changes, of learning rates, of a loss surface."""
    word, *rest = metric.split() or [""]
    group = find_group_reducers().get(word)
    if group:
        return group().is_ratio(is_share(" ".join(rest[1:])))
    if metric == "variance curve":
        return True
    found = find_metric(metric)
    return found.reducer.is_ratio(found.column) if found else has_ratios([word, *rest][-1])


def mean_interval(metric: str, values: Sequence[float]) -> tuple[float, float]:
    """Return the ends of the 95 % interval of the mean; infinite for one value.

    Student's t on the values. Losses, where all are positive, scatter by factors rather than by steps: there it is the
    modified Cox interval, of the mean of a log-normal law, exp(m + v/2 ± t sqrt(v/n + v^2 / (2n - 2))) with m and v of
    the logarithms, widened to hold the mean itself. Tests measure the coverage of both at n = 8: 93 to 97 %.

    References:
        Olsson (2005), Confidence intervals for the mean of a log-normal distribution, J. Statistics Education 13(1).

    Example:
        >>> [round(end, 2) for end in mean_interval("test_accuracy", [0.7, 0.8, 0.9])]
        [0.55, 1.05]
        >>> [round(end, 2) for end in mean_interval("test_loss", [0.1, 0.2, 0.4])]
        [0.03, 1.89]
    """
    if len(values) > 1 and is_share(metric) and min(values) > 0 and all(map(math.isfinite, values)):
        return log_normal_interval(values)
    return student_interval(metric, values)
