"""Reads fitted curves from the files of runs: the points, the noise-free curve, and the fit at each recorded step."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from normbench.errors import RunFolderError
from normbench.storage.contents.csv_table import STEP, CsvTable
from normbench.storage.run_folder import CURVE_CSV, METRICS_CSV, POINTS_CSV, Arm, Run

Points = Mapping[str, tuple[Sequence[float], Sequence[float]]]
"""x and y by split: train, validation, test, noise_free."""
NOISE_FREE = "noise_free"


@dataclass(frozen=True)
class Curve:
    """The fitted curve of one arm and seed at each recorded step.

    Attributes:
        arm: The arm's label.
        x: The grid, (M,).
        fits: Predictions on the grid, by step.
        losses: Texts such as "train 0.001, test 0.283", by step.
    """

    arm: str
    x: Sequence[float]
    fits: Mapping[int, Sequence[float]]
    losses: Mapping[int, str]


def curve_seeds(arms: Sequence[Arm]) -> list[int]:
    """Return the seeds for which any arm has a curve."""
    return sorted({run.seed for arm in arms for run in arm.runs if has_curve(run)})


def has_curve(run: Run) -> bool:
    """Return whether a run recorded a curve."""
    return run.has_file(CURVE_CSV)


def read_curve(arm: str, run: Run) -> Curve:
    """Return the curve of a run.

    Raises:
        RunFolderError: A file is missing or was changed.
    """
    table, metrics = run.table(CURVE_CSV), run.table(METRICS_CSV)
    grid = [column for column in table.columns if column != STEP]
    fits = dict(zip(table.steps, zip(*map(table.all_numbers, grid), strict=True), strict=False))
    train, test = (dict(metrics.with_numbers(column)) for column in ("train_loss", "test_loss"))
    losses = {
        step: f"train {train.get(step, math.nan):.4f}, test {test.get(step, math.nan):.4f}" for step in table.steps
    }
    return Curve(arm, _places(table, grid), fits, losses)


def _places(table: CsvTable, grid: Sequence[str]) -> list[float]:
    """Return the points of a grid, which curve.csv has as its columns."""
    try:
        return [float(column) for column in grid]
    except ValueError:
        rule = "must have numbers as columns beside step, the points of the grid"
        raise RunFolderError(f"{table.place}: {rule}, got {', '.join(grid)[:60]}. {table.way_out}") from None


def read_points(run: Run) -> Points:
    """Return the points that a run was trained and tested on, and the noise-free curve where it was kept."""
    table = run.table(POINTS_CSV)
    found: dict[str, tuple[list[float], list[float]]] = {}
    for split, x, y in zip(table.words("split"), table.all_numbers("x"), table.all_numbers("y"), strict=True):
        xs, ys = found.setdefault(split, ([], []))
        xs.append(x)
        ys.append(y)
    return found


def y_limits(points: Points) -> tuple[float, float]:
    """Return the ends of a y axis that holds all points with half of their range above and below, for the fits."""
    known = [y for _, ys in points.values() for y in ys if math.isfinite(y)] or [-1.0, 1.0]
    room = 0.5 * (max(known) - min(known)) or 1.0
    return min(known) - room, max(known) + room
