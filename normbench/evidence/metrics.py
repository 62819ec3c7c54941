"""What is read off a run: a column of metrics.csv or a layer's statistic, and what is made of its steps."""

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Literal

from normbench.errors import ComparisonError, did_you_mean
from normbench.evidence.run_folder import LAYER_STATS_CSV, METRICS_CSV, Run

Rows = Sequence[Mapping[str, str]]
Steps = list[tuple[int, float]]
"""(step, value) at the recorded steps that have a value."""

OUTPUT_STDS = ("output_std_lowest", "output_std_mean", "output_std_highest")
"""Over the hidden layers of a signal without a target."""
SURGE = "batch_loss_max_after_epoch_1"
REDUCERS = ("last", "first", "best", "change", "max_after STEP", "steps_to VALUE")
"""``change`` is last / first; a run that never gets to VALUE counts as its whole length."""


def read_metrics(run: Run, metrics: Sequence[str]) -> dict[str, float]:
    """Return each metric of a run.

    Args:
        run: A finished or diverged run. A diverged one counts as the constant predictor, or its last finite value if
            that is worse.
        metrics: ``test_loss``, ``best test_accuracy``, ``max_after 100 batch_loss_max``, ``steps_to 0.1 train_loss``,
            ``weight.std@hidden2``, ``change weight.l2_norm@conv1`` ...

    Returns:
        A number each; nan where the run has no such column.

    Raises:
        ComparisonError: The words before the column mean nothing.
        RunFolderError: A file is missing or was changed.
    """
    read: Callable[[str], Rows] = cache(run.rows)
    return {metric: _value(run, read, metric) for metric in metrics}


def direction(metric: str) -> Literal["higher", "lower"] | None:
    """Return which way is better; None where neither is."""
    if metric.startswith("steps_to"):
        return "lower"
    if "@" in metric or metric.startswith("change"):
        return None
    if metric.endswith("accuracy"):
        return "higher"
    return "lower" if "loss" in metric else None


def _value(run: Run, read: Callable[[str], Rows], metric: str) -> float:
    if metric in OUTPUT_STDS:
        return _output_std(read(LAYER_STATS_CSV), metric)
    if metric == SURGE:
        epoch = int(run.summary["steps_per_epoch"])
        return _counted(run, "train_loss", _max_after(epoch, _spans(read(METRICS_CSV), "batch_loss_max")))
    words = metric.split()
    column = words[-1] if words else ""
    steps = _layer_steps(read, column) if "@" in column else _steps(read(METRICS_CSV), column)
    reduced = _reduced(run, words[:-1], column, steps, metric)
    is_read_in_full = words[:-1] in ([], ["last"], ["best"]) and "@" not in column
    return _counted(run, column, reduced) if is_read_in_full else reduced


def _reduced(run: Run, words: list[str], column: str, steps: Steps, metric: str) -> float:
    values = [value for _, value in steps if math.isfinite(value)]
    match words:
        case [] | ["last"]:
            return _last(run, steps)
        case ["first"]:
            return values[0] if values else math.nan
        case ["best"]:
            return (max if direction(column) == "higher" else min)(values, default=math.nan)
        case ["change"]:
            return values[-1] / values[0] if values and values[0] else math.nan
        case ["max_after", step] if step.isdigit():
            return max((value for at, value in steps if at > int(step)), default=math.nan)
        case ["steps_to", target] if _is_number(target):
            return _steps_to(float(target), column, steps, run)
    rule = f"must be COLUMN or one of {', '.join(REDUCERS)} before it"
    raise ComparisonError(f"--metric {metric}: {rule}, got {metric!r}. Example: --metric 'best test_loss'")


def _last(run: Run, steps: Steps) -> float:
    finite = [value for _, value in steps if math.isfinite(value)]
    if run.summary.get("status") == "diverged":
        return finite[-1] if finite else math.nan
    return steps[-1][1] if steps else math.nan


def _counted(run: Run, column: str, value: float) -> float:
    """Apply the rule for diverged runs: the constant predictor, or what was last seen if that is worse."""
    if run.summary.get("status") != "diverged":
        return value
    constant = float(run.summary["constant_predictor"].get(column, math.nan))
    if not math.isfinite(value):
        return constant
    return min(value, constant) if direction(column) == "higher" else max(value, constant)


def _steps_to(target: float, column: str, steps: Steps, run: Run) -> float:
    def is_there(value: float) -> bool:
        return value >= target if direction(column) == "higher" else value <= target

    return float(next((step for step, value in steps if is_there(value)), run.summary["total_steps"]))


def _steps(rows: Rows, column: str) -> Steps:
    return [(int(row["step"]), float(row[column])) for row in rows if row.get(column)]


def _layer_steps(read: Callable[[str], Rows], column: str) -> Steps:
    """Read "weight.std@hidden2"."""
    what, _, layer = column.partition("@")
    kind, _, statistic = what.partition(".")
    mine = [row for row in read(LAYER_STATS_CSV) if row["kind"] == kind and row["layer"] == layer]
    return [(int(row["step"]), float(row[statistic])) for row in mine if row.get(statistic)]


def check_metrics(runs: Sequence[Run], metrics: Sequence[str]) -> None:
    """Refuse a metric that none of the runs has.

    Raises:
        ComparisonError: With the columns there are.
    """
    known: dict[str, None] = dict.fromkeys((*OUTPUT_STDS, SURGE))
    for run in runs:
        known |= dict.fromkeys(name for row in run.rows(METRICS_CSV)[:1] for name in row if name != "step")
        known |= dict.fromkeys(_layer_columns(run.rows(LAYER_STATS_CSV)))
    for metric in metrics:
        column = metric.split()[-1] if metric.strip() else ""
        if column not in known:
            names = [name for name in known if ("@" in name) == ("@" in column)]
            raise ComparisonError(_unknown(column, names))


def _layer_columns(rows: Rows) -> list[str]:
    names = [name for name in (rows[0] if rows else ()) if name not in ("step", "layer", "kind")]
    places = dict.fromkeys((row["kind"], row["layer"]) for row in rows)
    return [f"{kind}.{name}@{layer}" for kind, layer in places for name in names]


def _unknown(column: str, known: Sequence[str]) -> str:
    shown = ", ".join(known[:8]) + (" ..." if len(known) > 8 else "")
    return f"--metric {column}: must be one of {shown}, got {column!r}.{did_you_mean(column, known)}"


def _output_std(rows: Rows, metric: str) -> float:
    stds = [float(row["std"]) for row in rows if row["kind"] == "activation"]
    hidden = stds[:-1] or [math.nan]  # the last layer's width is the task's
    if metric == "output_std_mean":
        return statistics.fmean(hidden)
    return min(hidden) if metric == "output_std_lowest" else max(hidden)


def _spans(rows: Rows, column: str) -> Steps:
    """Return values that speak of the steps since the row before, by the step that span begins with."""
    starts = [0, *(int(row["step"]) for row in rows)]
    return [(start, float(row[column])) for start, row in zip(starts, rows, strict=False) if row.get(column)]


def _max_after(step: int, spans: Steps) -> float:
    return max((value for start, value in spans if start >= step), default=math.nan)


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
