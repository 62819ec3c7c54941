"""Writes the mean curves over the seeds of each arm, with 95 % intervals, as separate runs for TensorBoard."""

import math
import shutil
from collections.abc import Sequence
from pathlib import Path

from normbench.evidence.comparison.comparison import DEFAULT_METRICS, SIGNAL_METRICS
from normbench.evidence.comparison.curves import CurvePoint, mean_curve
from normbench.evidence.metrics.scales import mean_interval
from normbench.storage.own_metric import NAME
from normbench.storage.run_folder import METRICS_CSV, Arm

SUMMARY = "summary"
FEWEST_SEEDS = 4
"""Seeds of which an interval is drawn."""


def write_aggregate_curves(folder: Path, arms: Sequence[Arm]) -> None:
    """Write ``<folder>/summary/<arm>/mean of 8 seeds`` for every arm with several seeds; replace older ones.

    Beside it stand the ends of its 95 % interval, from four seeds on: fewer say too little of the spread.

    Args:
        folder: The study's folder.
        arms: Arms with their finished runs; arms with equal names are written under their folders' names.

    Raises:
        RunFolderError: A run's file is missing or was changed.
    """
    names = [arm.name for arm in arms]
    several = [arm for arm in arms if len(arm.runs) > 1 and arm.settings.get("recording.tensorboard", True)]
    shutil.rmtree(folder / SUMMARY, ignore_errors=True)
    if not several:
        return
    from normbench.training.recorders.study_files import write_scalars  # imports tensorboardX: 0.1 s

    for arm in several:
        name = arm.name if names.count(arm.name) == 1 else arm.folder.name
        curves = {column: mean_curve(arm.runs, column, _band) for column in _columns(arm)}
        for end, run in run_names(len(arm.runs)).items():
            points = {column: _points(curve, end) for column, curve in curves.items()}
            write_scalars(folder / SUMMARY / name / run, points)


def run_names(num_seeds: int) -> dict[str, str]:
    """Return the names of the runs that hold a mean curve and the ends of its interval, if there is one.

    Example:
        >>> run_names(3), run_names(8)["low"]
        ({'mean': 'mean of 3 seeds'}, 'mean of 8 seeds, low end')
    """
    mean = f"mean of {num_seeds} seeds"
    ends = {end: f"{mean}, {end} end" for end in ("low", "high")}
    return {"mean": mean} | (ends if num_seeds >= FEWEST_SEEDS else {})


def _band(column: str, values: Sequence[float], num_samples: int | None) -> tuple[float, float]:
    """Return the ends of the 95 % interval of a mean, none of few seeds."""
    return mean_interval(column, values, num_samples) if len(values) >= FEWEST_SEEDS else (-math.inf, math.inf)


def _columns(arm: Arm) -> list[str]:
    known = arm.runs[0].table(METRICS_CSV)
    own = f"test_{arm.settings.get(NAME)}"
    return [column for column in (own, *DEFAULT_METRICS, *SIGNAL_METRICS) if column in known]


def _points(curve: Sequence[CurvePoint], end: str) -> list[tuple[int, float]]:
    """Return one end at each step that has it; with few seeds, or equal ones, an accuracy has no interval."""
    found = [(point.step, getattr(point, end)) for point in curve]
    return [(step, value) for step, value in found if not math.isinf(value)]
