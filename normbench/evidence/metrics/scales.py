"""Which metrics are compared by ratios, and which by differences: effects and intervals accordingly.

The rules are in docs/methods.md, "2. Effects and intervals".
"""

import math
from collections.abc import Sequence

from normbench.evidence.metrics.bounds import within_range
from normbench.evidence.metrics.column_kinds import has_ratios, is_accuracy_column
from normbench.evidence.metrics.group_reducers.base import find_group_reducers
from normbench.evidence.metrics.metric_words import find_metric
from normbench.evidence.statistics.intervals import accuracy_interval, log_normal_interval, student_interval
from normbench.storage.contents.summary import SummaryContent, split_size
from normbench.storage.own_metric import own_metric_of


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


def is_accuracy(metric: str) -> bool:
    """Return whether a metric's values are accuracies, from 0 to 1, and its effects points.

    Example:
        >>> is_accuracy("best test_accuracy"), is_accuracy("steps_to 0.9 test_accuracy"), is_accuracy("test_loss")
        (True, False, False)
    """
    return is_accuracy_column((metric.split() or [""])[-1]) and not is_share(metric)


def mean_interval(metric: str, values: Sequence[float], num_samples: int | None = None) -> tuple[float, float]:
    """Return the ends of the 95 % interval of the mean; infinite where there is none.

    Student's t on the values. Losses, where all are positive, scatter by factors rather than by steps: there it is the
    modified Cox interval, of the mean of a log-normal law, exp(m + v/2 ± t sqrt(v/n + v^2 / (2n - 2))) with m and v of
    the logarithms, widened to hold the mean itself. Of accuracies it is Student's t on logits, inside [0, 1]. Tests
    measure the coverage of all three at n = 8: 93 to 97 %.

    Args:
        metric: The metric's name.
        values: Its value for each seed.
        num_samples: Of accuracies, the number of samples of which each is a share, where it is known.

    References:
        Olsson (2005), Confidence intervals for the mean of a log-normal distribution, J. Statistics Education 13(1).

    Example:
        >>> [round(end, 2) for end in mean_interval("weight.std@fc1", [0.7, 0.8, 0.9])]
        [0.55, 1.05]
        >>> [round(end, 2) for end in mean_interval("test_accuracy", [0.9, 0.95, 0.99, 1.0], 100)]
        [0.8, 1.0]
        >>> [round(end, 2) for end in mean_interval("test_loss", [0.1, 0.2, 0.4])]
        [0.03, 1.89]
    """
    if len(values) > 1 and is_share(metric) and min(values) > 0 and all(map(math.isfinite, values)):
        return log_normal_interval(values)
    return plain_interval(metric, values, num_samples)


def plain_interval(metric: str, values: Sequence[float], num_samples: int | None = None) -> tuple[float, float]:
    """Return Student's interval, of accuracies on logits; for two or three losses it is far narrower than Cox's.

    It ends where the metric does: no loss and no std is below 0.
    """
    if is_accuracy(metric):
        return accuracy_interval(values, num_samples)
    return within_range(metric, values, student_interval(values))


def num_samples_of(metric: str, summary: SummaryContent) -> int | None:
    """Return the number of samples of which an accuracy is a share, as a run's summary has it; None where it has not.

    Overlaps of masks, and accuracies over their pixels, are no shares of samples.

    Example:
        >>> num_samples_of("best adapted_test_accuracy", {"num_test": 400}), num_samples_of("test_loss", {})
        (400, None)
    """
    column = (metric.split() or [""])[-1]
    if not is_accuracy(metric) or own_metric_of(column) or not column.endswith("_accuracy"):
        return None
    split = column.removesuffix("_accuracy").rsplit("_", 1)[-1]
    if f"{split}_dice" in summary.get("constant_predictor", {}):
        return None
    return split_size(summary, split)
