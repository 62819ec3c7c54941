"""Averages a column of an arm's runs over seeds, at each recorded step, with a 95 % interval."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from normbench.evidence.metrics.columns import plain_column, steps_of
from normbench.evidence.metrics.diverged import is_diverged
from normbench.evidence.metrics.scales import num_samples_of, plain_interval
from normbench.evidence.statistics.means import mean_of
from normbench.storage.run_folder import Run

Ends = tuple[float, float]
Interval = Callable[[str, Sequence[float], int | None], Ends]
"""Takes a column, its values and, of accuracies, the number of samples of which each is a share."""


@dataclass(frozen=True)
class CurvePoint:
    """One step of a mean curve.

    Attributes:
        step: Number of updates made.
        n: Number of seeds with a value at this step.
        mean: Mean of their values.
        low: Lower end of its 95 % interval; -inf where there is none, as with one seed.
        high: Upper end of it; inf where there is none.
        values: The seeds' values.
    """

    step: int
    n: int
    mean: float
    low: float
    high: float
    values: Sequence[float] = field(default=(), compare=False)


def mean_curve(runs: Sequence[Run], column: str, interval: Interval = plain_interval) -> list[CurvePoint]:
    """Return the mean over seeds at every recorded step that has a value.

    A diverged run stays in the mean: where its value is not finite, and after its end, it counts as the constant
    predictor.

    Args:
        runs: The runs of one arm.
        column: ``test_loss``, ``weight.std@hidden2``, ``probe.mixing_mean_batch@hidden1.norm`` ...
        interval: Returns the ends of the 95 % interval.

    Raises:
        RunFolderError: A file is missing or was changed.
    """
    read = {run.seed: dict(steps_of(run.table, column)) for run in runs}
    steps = sorted({step for values in read.values() for step in values})
    num_samples = num_samples_of(column, runs[0].summary) if runs else None

    def ends(values: Sequence[float]) -> Ends:
        return interval(column, values, num_samples)

    return [_point(step, [_value_at(step, run, read[run.seed], column) for run in runs], ends) for step in steps]


def _value_at(step: int, run: Run, values: Mapping[int, float], column: str) -> float | None:
    value = values.get(step)
    if not is_diverged(run):
        return value
    is_over = value is None and step >= run.summary["step"]
    return (
        _constant_predictor(run, values, column)
        if is_over or (value is not None and not math.isfinite(value))
        else value
    )


def _constant_predictor(run: Run, values: Mapping[int, float], column: str) -> float | None:
    """Return the value of a diverged run: the constant predictor's, or else the last finite one."""
    name = "train_loss" if column.startswith("batch_loss") else plain_column(column)
    found = run.summary.get("constant_predictor", {}).get(name)
    if found is not None:
        return found
    finite = [value for value in values.values() if math.isfinite(value)]
    return finite[-1] if finite else None


def _point(step: int, values: Sequence[float | None], interval: Callable[[Sequence[float]], Ends]) -> CurvePoint:
    known = [value for value in values if value is not None]
    return CurvePoint(step, len(known), mean_of(known), *interval(known), known)
