"""Bounds what a failed run counts as where means over runs are compared: as the constant predictor.

The rules are in docs/methods.md, "10. Finite data".
"""

import math
from collections.abc import Collection, Mapping

from normbench.evidence.metrics.columns import plain_column, split_of
from normbench.evidence.metrics.diverged import Diverged
from normbench.evidence.metrics.group_metrics import CURVE_METRICS, is_group_metric
from normbench.evidence.metrics.metric_words import find_metric
from normbench.storage.run_folder import Run


def bounded_values(
    runs: Collection[Run], metric: str, values: Mapping[int, float], collapsed: Collection[int]
) -> dict[int, float]:
    """Return a metric's value for each seed, of a failed run the constant predictor's on the run's own data.

    Failed is a run that collapsed or diverged, and one whose value is infinite. Where the metric has no constant
    predictor a failed run keeps what it reached.

    Args:
        runs: The runs of an arm.
        metric: What was read off them.
        values: Its value for each seed.
        collapsed: Seeds of the runs that collapsed.
    """
    return {run.seed: _bounded(run, metric, values[run.seed], is_failed=run.seed in collapsed) for run in runs}


def _bounded(run: Run, metric: str, value: float, *, is_failed: bool) -> float:
    if not is_failed and not isinstance(value, Diverged) and not math.isinf(value):
        return value
    constant = constant_value(run, metric)
    return float(value) if constant is None else constant


def constant_value(run: Run, metric: str) -> float | None:
    """Return the constant predictor's value of a metric on the run's own data; None where it has none."""
    found = find_metric(metric)
    if found is not None and not found.reducer.is_of_column:
        return None
    known = run.summary.get("constant_predictor", {}).get(plain_column(found.column if found else metric))
    return float(known) if isinstance(known, int | float) and math.isfinite(known) else None


def rows_read(metric: str) -> str:
    """Return the split of which a metric is a value: "test" or "validation"; "" where it is none of a single run there.

    A number of steps, or one read over several arms, is none: no constant predictor bounds it where a run fails.

    Example:
        >>> [rows_read(metric) for metric in ("best test_loss", "steps_to 0.5 test_loss", "train_loss")]
        ['test', '', '']
    """
    found = None if is_group_metric(metric) or metric in CURVE_METRICS else find_metric(metric)
    split = split_of(found.column) if found and found.reducer.is_of_column else ""
    return split if split in ("test", "validation") else ""
