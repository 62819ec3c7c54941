"""The fitted curves at the last step: an arm beside the other, a line for each seed, and the noise-free curve."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from normbench.report.figures.curve_files import Curve, Points, has_curve, read_curve, read_points, y_limits
from normbench.report.figures.curves import MAX_ARMS, draw_points, point_entries
from normbench.report.figures.kinds.base import ShownStudy
from normbench.report.figures.looks import arm_looks
from normbench.report.figures.panels import own_words
from normbench.report.figures.sheet import Sheet, drawing, head_room, panel_title
from normbench.report.figures.words import seeds_text
from normbench.storage.run_folder import Arm

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture

WIDTH, HEIGHT, COLUMNS = 3.2, 3.0, 3


def draw(shown: ShownStudy) -> "Picture | None":
    """Return the picture; None where no run recorded a curve, or too many arms did."""
    _, words = own_words(shown.comparison)
    names = dict(zip((row.arm for row in shown.comparison.rows), words, strict=True))
    by_name = {arm.name: arm for arm in shown.study.arms}
    arms = {name: by_name[arm] for arm, name in names.items() if any(map(has_curve, by_name[arm].runs))}
    if not 0 < len(arms) <= MAX_ARMS:
        return None
    curves = {name: [read_curve(name, run) for run in arm.runs if has_curve(run)] for name, arm in arms.items()}
    points = _shared_points(list(arms.values()))
    looks = arm_looks(shown.comparison)
    with drawing():
        columns = min(COLUMNS, len(arms))
        shape = (-(-len(arms) // columns), columns)
        size = (max(6.0, WIDTH * columns), HEIGHT * shape[0])
        room = size[0] / columns - 1
        sheet = Sheet(shown.title, _says(curves, points), size, shape, point_entries(points))
        for axes, (name, of_arm) in zip(sheet.axes, curves.items(), strict=False):
            look = looks[arms[name].name]
            for curve in of_arm:
                axes.plot(curve.x, curve.fits[max(curve.fits)], look.dash, color=look.colour, lw=1.1, alpha=0.7)
            draw_points(axes, points)
            panel_title(axes, name, room)
            axes.set_ylim(*y_limits(points))
        sheet.place_all(head_room(arms, room))
        for axes in sheet.axes[len(arms) :]:
            axes.remove()
        return sheet.finished()


def _shared_points(arms: Sequence[Arm]) -> Points:
    """Return what all runs have in common: their noise-free curve, and the points of the first seed."""
    return read_points(next(run for arm in arms for run in arm.runs if has_curve(run)))


def _says(curves: dict[str, list[Curve]], points: Points) -> str:
    counts = [len(of) for of in curves.values()]
    seed = "; the points are those of the first seed" if max(counts) > 1 and points else ""
    return f"A line is the fit of one seed at its last step, {seeds_text(counts)} each{seed}."
