"""Scores of runs between 0 and 1, the same in every task: the way from the constant predictor to a perfect fit.

The rules are in docs/methods.md, "9. Several tasks".
"""

import math

from normbench.evidence.metrics.bounded import constant_value
from normbench.evidence.metrics.column_kinds import Direction, column_direction, perfect_value
from normbench.evidence.metrics.diverged import Diverged
from normbench.evidence.metrics.metric_words import find_metric
from normbench.storage.run_folder import Run


def run_score(run: Run, metric: str, value: float) -> float | None:
    """Return (value - c) / (perfect - c), c the constant predictor's value on the run's own data.

    A run that is no better than the constant predictor has 0, and so has one that diverged.

    Args:
        run: The run.
        metric: What was read off it: a column that the constant predictor has a value of, or a value among its steps.
        value: The number.

    Returns:
        A number from 0 to 1; None where the metric has no constant predictor, or where that is perfect.
    """
    direction, constant, perfect = _direction(metric), constant_value(run, metric), perfect_value(_column(metric))
    if direction is None or constant is None or perfect is None or constant == perfect:
        return None
    if isinstance(value, Diverged) or not math.isfinite(value):
        return 0.0
    way = (value - constant) / (perfect - constant)
    return min(1.0, max(0.0, float(way)))


def _direction(metric: str) -> Direction | None:
    """Return which way of a column's values is better; None where the metric has none of a column."""
    found = find_metric(metric)
    if found is None or not found.reducer.is_of_column:
        return None
    way = column_direction(found.column)
    return way if found.reducer.direction(found.column) == way else None


def _column(metric: str) -> str:
    return (metric.split() or [""])[-1]
