"""What is read off a run: a column of metrics.csv or a layer's statistic, and what is made of its steps."""

import math
from collections.abc import Sequence
from functools import cache

from normbench.errors import ComparisonError
from normbench.evidence.metrics.columns import (
    Read,
    Rows,
    Steps,
    batch_spans,
    check_columns,
    steps_of,
)
from normbench.evidence.metrics.directions import direction
from normbench.evidence.metrics.diverged import Diverged, is_diverged, read_diverged
from normbench.evidence.statistics.means import mean_of
from normbench.evidence.statistics.trends import log_slope
from normbench.storage.run_folder import LAYER_STATS_CSV, METRICS_CSV, Run

OUTPUT_STDS = ("output_std_lowest", "output_std_mean", "output_std_highest")
"""Over the hidden layers of a signal without a target."""
SURGE = "batch_loss_max_after_epoch_1"
REDUCERS = (
    "last",
    "first",
    "best",
    "change",
    "max_after STEP",
    "steps_to VALUE",
    "at_train_loss VALUE",
    "depth_slope",
)
"""``change`` is last / first; a run that never gets to VALUE counts as its whole length; ``at_train_loss`` reads at the
first recorded step whose train_loss is VALUE or less; ``depth_slope activation.std`` is the slope of its logarithm per
hidden layer."""


def read_metrics(run: Run, metrics: Sequence[str]) -> dict[str, float]:
    """Return each metric of a run.

    Args:
        run: A finished or diverged run. What a diverged one counts as stands in ``read_diverged``.
        metrics: ``test_loss``, ``best test_accuracy``, ``max_after 100 batch_loss_max``, ``steps_to 0.1 train_loss``,
            ``weight.std@hidden2``, ``change weight.l2_norm@conv1`` ...

    Returns:
        A number each, nan where the run has no such column; of a diverged run they are ``Diverged``.

    Raises:
        ComparisonError: The words before the column mean nothing.
        RunFolderError: A file is missing or was changed.
    """
    read: Read = cache(lambda name: run.rows(name) if name in run.summary.get("files", {name}) else [])
    return {metric: _value(run, read, metric) for metric in metrics}


def check_metrics(runs: Sequence[Run], metrics: Sequence[str]) -> None:
    """Refuse a metric that none of the runs has.

    Raises:
        ComparisonError: With the columns there are.
    """
    columns = [metric.split()[-1] if metric.strip() else "" for metric in metrics if not metric.startswith("depth_")]
    check_columns(runs, columns, (*OUTPUT_STDS, SURGE))


def _value(run: Run, read: Read, metric: str) -> float:
    if metric in OUTPUT_STDS:
        return _output_std(read(LAYER_STATS_CSV), metric)
    *words, column = metric.split() or [""]
    if words == ["depth_slope"]:
        value = _depth_slope(run, read(LAYER_STATS_CSV), column)
        return Diverged(math.nan) if is_diverged(run) else value
    column = "batch_loss_max" if metric == SURGE else column
    steps = steps_of(read, column)
    if metric == SURGE:
        words = ["max_after", str(run.summary["steps_per_epoch"])]
        value = _max_from(int(run.summary["steps_per_epoch"]), batch_spans(read(METRICS_CSV), column))
    else:
        value = _reduced(run, read, words, column, metric, steps)
    return read_diverged(run, words, column, steps) if is_diverged(run) else value


def _reduced(run: Run, read: Read, words: list[str], column: str, metric: str, steps: Steps) -> float:
    values = [value for _, value in steps if math.isfinite(value)]
    match words:
        case [] | ["last"]:
            return _last(steps)
        case ["first"]:
            return values[0] if values else math.nan
        case ["best"]:
            return (max if direction(column) == "higher" else min)(values, default=math.nan)
        case ["change"]:
            return _last(steps) / values[0] if values and values[0] else math.nan
        case ["max_after", step] if step.isdigit():
            return max((value for at, value in steps if at > int(step) and math.isfinite(value)), default=math.nan)
        case ["steps_to", target] if _is_number(target):
            return _steps_to(float(target), column, steps, run)
        case ["at_train_loss", target] if _is_number(target):
            return _at(_steps_to(float(target), "train_loss", steps_of(read, "train_loss"), run), steps)
    rule = f"must be COLUMN or one of {', '.join(REDUCERS)} before it"
    raise ComparisonError(f"--metric {metric}: {rule}, got {metric!r}. Example: --metric 'best test_loss'")


def _last(steps: Steps) -> float:
    return steps[-1][1] if steps else math.nan


def _at(step: float, steps: Steps) -> float:
    """Return the value at the first recorded step from ``step`` on; the last one where there is none."""
    return next((value for at, value in steps if at >= step), _last(steps))


def _steps_to(target: float, column: str, steps: Steps, run: Run) -> float:
    def is_there(value: float) -> bool:
        return value >= target if direction(column) == "higher" else value <= target

    return float(next((step for step, value in steps if is_there(value)), run.summary["total_steps"]))


def _depth_slope(run: Run, rows: Rows, what: str) -> float:
    """Return the least-squares slope of ln(statistic) over the hidden layers, at the last recorded step."""
    kind, _, statistic = what.partition(".")
    last = {row["layer"]: float(row[statistic]) for row in rows if row["kind"] == kind and row.get(statistic)}
    layers = [layer["name"] for layer in run.summary["layers"]][:-1]  # the last layer's width is the task's
    slope = log_slope([last.get(layer, math.nan) for layer in layers])
    return math.nan if slope is None else slope


def _output_std(rows: Rows, metric: str) -> float:
    stds = [float(row["std"]) for row in rows if row["kind"] == "activation"]
    hidden = stds[:-1] or [math.nan]  # the last layer's width is the task's
    if metric == "output_std_mean":
        return mean_of(hidden)
    return min(hidden) if metric == "output_std_lowest" else max(hidden)


def _max_from(step: int, spans: Steps) -> float:
    return max((value for start, value in spans if start >= step), default=math.nan)


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
