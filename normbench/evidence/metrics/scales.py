"""Which metrics are compared by ratios, and which by differences: effects and intervals accordingly.

The rules are in docs/methods.md, "2. Effects and intervals".
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

from normbench.evidence.metrics.column_kinds import has_ratios
from normbench.evidence.metrics.directions import better_way
from normbench.evidence.metrics.diverged import Diverged, as_bad_as_any
from normbench.evidence.metrics.group_reducers.base import find_group_reducers
from normbench.evidence.metrics.metric_words import find_metric
from normbench.evidence.statistics.intervals import log_normal_interval, student_interval
from normbench.evidence.statistics.paired_effect import Effect, paired_effect


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


def metric_effect(metric: str, arm: Mapping[int, float], baseline: Mapping[int, float]) -> Effect:
    """Return the effect of an arm on a metric, values by seed: a ratio of losses, else a difference.

    Diverged runs count as the worst of all runs of both, so that two of them are equally bad.
    """
    seeds = set(arm).intersection(baseline)
    shared = [{seed: of[seed] for seed in seeds} for of in (arm, baseline)]
    effect = paired_effect(metric, *as_bad_as_any(metric, shared), by_ratio=is_share(metric))
    ours, theirs = (sum(isinstance(value, Diverged) for value in of.values()) for of in shared)
    way = better_way(metric)
    if way is None or ours == theirs:
        return effect
    worse: Literal["higher", "lower"] = "higher" if way == "lower" else "lower"
    return replace(effect, never=way if ours > theirs else worse)
