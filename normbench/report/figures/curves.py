"""Draws fitted curves as in the documents: points, noise-free curve and each arm's fit, one picture per seed."""

from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from normbench.report.figures.curve_files import NOISE_FREE, Curve, Points, has_curve, read_curve, read_points, y_limits
from normbench.report.figures.looks import looks_of
from normbench.report.figures.sheet import EDGE, Entries, Sheet, drawing
from normbench.report.figures.words import SMALL_TYPE, wrapped
from normbench.storage.files.atomic import replacing
from normbench.storage.run_folder import Arm

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

MAX_STEPS = 10
"""As many pictures as TensorBoard keeps of one tag."""
MAX_ARMS = 8
SIZE = (7.0, 3.9)
CAPTION = "Each arm's fit, with its mean squared errors."
TRUTH = "#9A9A9A"
NAME = 2.6
"""Inches of an arm's name in the legend."""


def draw_curves(arms: Sequence[Arm], seed: int) -> dict[int, bytes]:
    """Draw the curves of all arms for one seed; return PNG pictures by step, in order of steps.

    Raises:
        RunFolderError: A file is missing or was changed.
    """
    runs = {arm.name: run for arm in arms[:MAX_ARMS] for run in arm.runs if run.seed == seed and has_curve(run)}
    if not runs:
        return {}
    curves = [read_curve(name, run) for name, run in runs.items()]
    shared = sorted(set.intersection(*(set(curve.fits) for curve in curves)))
    with drawing():
        picture = _Picture(curves, read_points(next(iter(runs.values()))), seed)
        return {step: picture.at(step) for step in _spread(shared, MAX_STEPS)}


def _spread(steps: Sequence[int], count: int) -> list[int]:
    if len(steps) <= count:
        return list(steps)
    return [steps[round(i * (len(steps) - 1) / (count - 1))] for i in range(count)]


class _Picture:
    """The picture of one seed, drawn step after step: only fits, losses and title change, and the layout stays."""

    def __init__(self, curves: Sequence[Curve], points: Points, seed: int) -> None:
        from matplotlib.backends.backend_agg import FigureCanvasAgg  # a second to import; only where one is drawn

        self.curves, self.seed = curves, seed
        looks = looks_of(curve.arm for curve in curves)
        names = [_label(curve, min(curve.losses)) for curve in curves]
        entries: Entries = {**point_entries(points), **dict(zip(names, looks.values(), strict=True))}
        sheet = Sheet(self._title(0), CAPTION, SIZE, entries=entries)
        (axes,) = sheet.axes
        draw_points(axes, points)
        self.lines: list[Line2D] = []
        for curve in curves:
            look, start = looks[curve.arm], [0.0] * len(curve.x)
            self.lines += axes.plot(curve.x, start, look.dash, color=look.colour, marker=look.marker, markevery=25)
        axes.set(xlabel="x", ylabel="y", ylim=y_limits(points))
        sheet.place_all(EDGE)
        figure = sheet.finished()
        self.title, self.labels = sheet.head[0], figure.legends[0].get_texts()[-len(curves) :]
        self.canvas = FigureCanvasAgg(figure)

    def _title(self, step: int) -> str:
        return f"step {step}, seed {self.seed}"

    def at(self, step: int) -> bytes:
        """Draw a step; return the PNG picture."""
        for curve, line, label in zip(self.curves, self.lines, self.labels, strict=True):
            line.set_ydata(curve.fits[step])
            label.set_text(_label(curve, step))
        self.title.set_text(self._title(step))
        picture = BytesIO()
        # savefig draws twice, first to see what lies outside
        self.canvas.print_png(picture)  # type: ignore[no-untyped-call]
        return picture.getvalue()


def _label(curve: Curve, step: int) -> str:
    """Return an arm's name, and below it its losses."""
    return "\n".join([*wrapped(curve.arm, NAME, SMALL_TYPE), curve.losses[step]])


def point_entries(points: Points) -> "Mapping[str, Artist]":
    """Return examples of what ``draw_points`` draws, for a legend."""
    from matplotlib.lines import Line2D

    drawn = {
        "train points": Line2D([], [], ls="none", marker="o", color="black", ms=5),
        "test points": Line2D([], [], ls="none", marker="^", color="black", mfc="none", ms=5),
    }
    return drawn | ({"truth": Line2D([], [], color=TRUTH, lw=1)} if NOISE_FREE in points else {})


def draw_points(axes: "Axes", points: Points) -> None:
    """Draw the points of splits, and the noise-free curve where the run kept it."""
    for split, marker, face in (("train", "o", "black"), ("test", "^", "none")):
        at = points.get(split, ([], []))
        axes.scatter(*at, s=24, marker=marker, edgecolor="black", facecolor=face, zorder=3)
    if NOISE_FREE in points:  # older runs did not write it
        axes.plot(*points[NOISE_FREE], color=TRUTH, lw=1, zorder=1)


def save_last(pictures: Mapping[int, bytes], path: Path) -> None:
    """Write the last step's picture to a PNG file."""
    with replacing(path) as part:
        part.write_bytes(pictures[max(pictures)])
