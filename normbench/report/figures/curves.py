"""Draws fitted curves as in the documents: points, noise-free curve and each arm's fit, one picture per seed."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from normbench.errors import RunFolderError
from normbench.storage.contents.csv_table import STEP, CsvTable
from normbench.storage.files.atomic import replacing
from normbench.storage.run_folder import CURVE_CSV, METRICS_CSV, POINTS_CSV, Arm, Run

if TYPE_CHECKING:
    from matplotlib.lines import Line2D

MAX_STEPS = 10
"""As many pictures as TensorBoard keeps of one tag."""
MAX_ARMS = 8
STYLES = ("-", "--", "-.", ":")


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


def draw_curves(arms: Sequence[Arm], seed: int) -> dict[int, bytes]:
    """Draw the curves of all arms for one seed; return PNG pictures by step, in order of steps.

    Raises:
        RunFolderError: A file is missing or was changed.
    """
    runs = {arm.name: run for arm in arms[:MAX_ARMS] for run in arm.runs if run.seed == seed and _has_curve(run)}
    if not runs:
        return {}
    curves = [_read_curve(name, run) for name, run in runs.items()]
    points = next(iter(runs.values())).table(POINTS_CSV)
    shared = sorted(set.intersection(*(set(curve.fits) for curve in curves)))
    picture = _Picture(curves, points, seed)
    return {step: picture.at(step) for step in _spread(shared, MAX_STEPS)}


def curve_seeds(arms: Sequence[Arm]) -> list[int]:
    """Return the seeds for which any arm has a curve."""
    return sorted({run.seed for arm in arms for run in arm.runs if _has_curve(run)})


def _has_curve(run: Run) -> bool:
    return run.has_file(CURVE_CSV)


def _spread(steps: Sequence[int], count: int) -> list[int]:
    if len(steps) <= count:
        return list(steps)
    return [steps[round(i * (len(steps) - 1) / (count - 1))] for i in range(count)]


def _read_curve(arm: str, run: Run) -> Curve:
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


class _Picture:
    """The picture of one seed, drawn step after step: only fits, losses and title change, and the layout stays."""

    def __init__(self, curves: Sequence[Curve], points: CsvTable, seed: int) -> None:
        from matplotlib.backends.backend_agg import FigureCanvasAgg  # a second to import; only where one is drawn
        from matplotlib.figure import Figure

        self.curves, self.seed = curves, seed
        self.figure = Figure(figsize=(7, 4.5), dpi=100, layout="constrained")
        self.canvas = FigureCanvasAgg(self.figure)
        self.axes = self.figure.add_subplot()
        for split, color, marker in (("train", "tab:blue", "o"), ("test", "tab:red", "^")):
            at = _points(points, split)
            self.axes.scatter(*at, s=45, alpha=0.5, color=color, marker=marker, label=f"{split} points")
        if "noise_free" in points.words("split"):  # older runs did not write it
            self.axes.plot(*_points(points, "noise_free"), color="0.5", lw=1, label="truth")
        self.lines = [self._add_line(curve, i) for i, curve in enumerate(curves)]
        self.axes.set(xlabel="x", ylabel="y", ylim=(-3, 3))

    def _add_line(self, curve: Curve, number: int) -> "Line2D":
        style, color = STYLES[number % len(STYLES)], f"C{number + 1}"
        (line,) = self.axes.plot(curve.x, [0.0] * len(curve.x), style, color=color, lw=2)
        return line

    def at(self, step: int) -> bytes:
        """Draw a step; return the PNG picture."""
        for curve, line in zip(self.curves, self.lines, strict=True):
            line.set(ydata=curve.fits[step], label=f"{curve.arm}: {curve.losses[step]}")
        self.axes.legend(loc="upper left", fontsize=8)
        self.axes.set_title(f"step {step}, seed {self.seed} (losses are mean squared errors)")
        picture = BytesIO()
        # savefig draws twice, first to see what lies outside
        self.canvas.print_png(picture)  # type: ignore[no-untyped-call]
        self.figure.set_layout_engine("none")  # keeps what was laid out for the first step
        return picture.getvalue()


def _points(points: CsvTable, split: str) -> tuple[list[float], list[float]]:
    rows = zip(points.words("split"), points.all_numbers("x"), points.all_numbers("y"), strict=True)
    mine = [(x, y) for of, x, y in rows if of == split]
    return [x for x, _ in mine], [y for _, y in mine]


def save_last(pictures: Mapping[int, bytes], path: Path) -> None:
    """Write the last step's picture to a PNG file."""
    with replacing(path) as part:
        part.write_bytes(pictures[max(pictures)])
