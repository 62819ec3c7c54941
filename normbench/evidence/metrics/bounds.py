"""Which values a metric can have at all: shares from 0 to 1; losses, std and other sizes from 0."""

import math
from collections.abc import Sequence

from normbench.evidence.metrics.column_kinds import SURFACE_PROBES, is_accuracy_column
from normbench.evidence.metrics.group_reducers.base import find_group_reducers
from normbench.evidence.metrics.metric_words import find_metric
from normbench.storage.own_metric import own_metric_of

Ends = tuple[float, float]

ANY, SHARE, SIZE = (-math.inf, math.inf), (0.0, 1.0), (0.0, math.inf)
LAYER_RANGES = {"std": SIZE, "l2_norm": SIZE, "max_abs": SIZE, "zero_share": SHARE}
"""Of the statistics of layer_stats.csv; a mean may be any number."""


def possible_range(metric: str) -> Ends:
    """Return the smallest and the largest value that a metric can have; infinite where nothing bounds it.

    Example:
        >>> [possible_range(metric) for metric in ("best test_accuracy", "test_loss", "weight.std@fc1")]
        [(0.0, 1.0), (0.0, inf), (0.0, inf)]
        >>> [possible_range(metric) for metric in ("steps_to 0.9 test_accuracy", "weight.mean@fc1")]
        [(0.0, inf), (-inf, inf)]
    """
    if (metric.split() or [""])[0] in find_group_reducers():
        return ANY
    found = find_metric(metric)
    if found is None:
        return ANY
    if found.reducer.is_step:
        return SIZE
    return column_range(found.column) if found.reducer.is_of_column else ANY


def column_range(column: str) -> Ends:
    """Return the smallest and the largest value that a column can have."""
    what = column.partition("@")[0]
    if column.startswith("probe."):
        return SIZE if what.removeprefix("probe.") in SURFACE_PROBES else ANY
    if "@" in column:
        return LAYER_RANGES.get(what.rpartition(".")[2], ANY)
    if is_accuracy_column(column):
        return SHARE
    is_size = "loss" in column or column.endswith("roughness")
    return SIZE if is_size and not own_metric_of(column) else ANY


def within_range(metric: str, values: Sequence[float], ends: Ends) -> Ends:
    """Return an interval without what the metric cannot be; infinite ends stay, and say that nothing is known.

    A bound that one of the values breaks is none: a loss of the user's own may be negative.

    Example:
        >>> within_range("test_loss", [0.1, 0.7], (-0.2, 1.0)), within_range("test_loss", [-0.1, 0.7], (-0.2, 1.0))
        ((0.0, 1.0), (-0.2, 1.0))
    """
    lowest, highest = possible_range(metric)
    low, high = ends
    if values and math.isfinite(low) and min(values) >= lowest:
        low = max(low, lowest)
    if values and math.isfinite(high) and max(values) <= highest:
        high = min(high, highest)
    return low, high
