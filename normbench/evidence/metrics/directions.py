"""Which way of a metric is better: higher, lower, or neither."""

from normbench.evidence.metrics.column_kinds import Direction, column_direction
from normbench.evidence.metrics.metric_words import find_metric


def direction(metric: str) -> Direction | None:
    """Return which way is better; None where neither is."""
    found = find_metric(metric)
    return found.reducer.direction(found.column) if found else column_direction(_column(metric))


def better_way(metric: str) -> Direction | None:
    """Return which way is better, of a change the way of what changes; None where neither is.

    Example:
        >>> better_way("change test_accuracy"), better_way("change weight.std@hidden1")
        ('higher', None)
    """
    found = find_metric(metric)
    return found.reducer.better_way(found.column) if found else column_direction(_column(metric))


def _column(metric: str) -> str:
    return (metric.split() or [""])[-1]
