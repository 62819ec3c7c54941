"""Bounds what a failed run counts as where means over runs are compared: as the constant predictor.

The rules are in docs/methods.md, "10. Finite data".
"""

import math
from collections.abc import Collection, Mapping

from normbench.evidence.metrics.columns import plain_column, split_of
from normbench.evidence.metrics.diverged import Diverged
from normbench.evidence.metrics.group_metrics import is_of_settings, plain_metric
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
    return {run.seed: bounded(run, metric, values[run.seed], is_failed=run.seed in collapsed) for run in runs}


def bounded(run: Run, metric: str, value: float, *, is_failed: bool) -> float:
    """Return a run's value of a metric, or that of the constant predictor where it failed, as ``bounded_values``."""
    if not is_failed and not isinstance(value, Diverged) and not math.isinf(value):
        return value
    constant = constant_value(run, metric)
    return float(value) if constant is None else constant


def constant_value(run: Run, metric: str) -> float | None:
    """Return the constant predictor's value of a metric on the run's own data; None where it has none."""
    found = find_metric(metric)
    if found is not None and not found.reducer.is_of_column:
        return None
    return run.summary.get("constant_predictor", {}).get(plain_column(found.column if found else metric))


def rows_read(metric: str) -> str:
    """Return what decides a metric's values: "test" or "validation" rows, else "train"; "" for numbers of few values.

    These are steps and settings, which splits of the same rows may well agree on by chance, and curves, which are read
    over all seeds.

    Example:
        >>> metrics = ("best test_loss", "range_over init_scale test_loss", "weight.std@fc1", "steps_to 0.5 test_loss")
        >>> [rows_read(metric) for metric in metrics]
        ['test', 'test', 'train', '']
    """
    plain = plain_metric(metric)
    found = find_metric(plain) if plain else None
    if found is None or found.reducer.is_step or is_of_settings(metric):
        return ""
    split = split_of(found.column)
    return split if split in ("test", "validation") else "train"
