"""Reads a column of an arm's runs over the steps: each seed's line, and the median and middle half over seeds."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from normbench.evidence.metrics.columns import Steps, steps_of
from normbench.evidence.metrics.differences import worst_possible
from normbench.evidence.metrics.diverged import is_diverged
from normbench.evidence.statistics.quantiles import quantile_of
from normbench.storage.run_folder import Run

FEWEST_SEEDS = 4
"""Of fewer seeds the middle half says nothing that they do not say themselves."""


@dataclass(frozen=True)
class MedianPoint:
    """One step of a column over the seeds.

    Attributes:
        step: Number of updates made.
        median: The median; a run that diverged counts as the worst possible, inf or -inf.
        low: Lower end of the middle half of the seeds; the median itself with fewer than four.
        high: Upper end of it.
    """

    step: int
    median: float
    low: float
    high: float


@dataclass(frozen=True)
class MedianCurve:
    """A column of one arm over the steps.

    Attributes:
        points: A point for each recorded step.
        seeds: The values of each seed, by step.
        num_diverged: Number of the runs that diverged.
    """

    points: Sequence[MedianPoint]
    seeds: Mapping[int, Steps]
    num_diverged: int

    @property
    def has_band(self) -> bool:
        """Whether there are seeds enough for a middle half."""
        return len(self.seeds) >= FEWEST_SEEDS


def median_curve(runs: Sequence[Run], column: str) -> MedianCurve:
    """Return the median over seeds at every recorded step that has a value.

    Args:
        runs: The runs of one arm.
        column: ``test_loss``, ``weight.std@hidden2`` ...

    Raises:
        RunFolderError: A file is missing or was changed.
    """
    read = {run.seed: steps_of(run.table, column) for run in runs}
    by_step: dict[int, list[float]] = {}
    for found in read.values():
        for step, value in found:
            by_step.setdefault(step, []).append(_ranked(value, column))
    for step, values in by_step.items():
        values += [worst_possible(column) for run in runs if _is_over(run, step)]
    points = [_point(step, by_step[step]) for step in sorted(by_step)]
    return MedianCurve(points, {seed: found for seed, found in read.items() if found}, sum(map(is_diverged, runs)))


def _ranked(value: float, column: str) -> float:
    return value if math.isfinite(value) else worst_possible(column)


def _is_over(run: Run, step: int) -> bool:
    """Return whether a run had diverged before a step."""
    return is_diverged(run) and step > run.summary["step"]


def _point(step: int, values: Sequence[float]) -> MedianPoint:
    known = [value for value in values if not math.isnan(value)]
    median = quantile_of(known, 0.5)
    if len(known) < FEWEST_SEEDS:
        return MedianPoint(step, median, median, median)
    return MedianPoint(step, median, quantile_of(known, 0.25), quantile_of(known, 0.75))
