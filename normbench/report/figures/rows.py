"""Draws rows, a name on the left and its seeds along one axis that all rows share: a forest plot."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from normbench.report.figures.axis_scale import AxisScale, set_scale
from normbench.report.figures.dots import Seeds, draw_seeds
from normbench.report.figures.words import SMALL_TYPE, height_of, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NAME_WIDTH, TEXT_WIDTH = 2.3, 2.0
"""Inches for the name of a row, and for the text at its right."""
ITEM, GAP = 0.21, 0.09
"""Inches for one interval with its dots, and between rows."""
FOOT = 0.6
"""Inches for the ticks and the label of the axis below the rows."""
NEUTRAL, BAND = "#444444", "#DDDDDD"


@dataclass(frozen=True)
class Row:
    """A row.

    Attributes:
        name: What stands on its left.
        items: What is drawn in it, one below the other.
        text: What stands on its right.
        band: Ends of what is too little to matter, or of what is asked for.
        band_colour: Its colour.
    """

    name: str
    items: Sequence[Seeds]
    text: str = ""
    band: tuple[float, float] | None = None
    band_colour: str = BAND

    @property
    def height(self) -> float:
        """Its height in inches."""
        texts = [wrapped(self.name, NAME_WIDTH, SMALL_TYPE), wrapped(self.text, TEXT_WIDTH, SMALL_TYPE)]
        return GAP + max(ITEM * len(self.items), *(height_of(len(lines), SMALL_TYPE) for lines in texts))


def rows_height(rows: Sequence[Row]) -> float:
    """Return the height of rows with their axis, in inches."""
    return FOOT + sum(row.height for row in rows)


def draw_rows(axes: "Axes", rows: Sequence[Row], scale: AxisScale, width: float) -> None:
    """Draw rows from the top down; the label of their axis has a width in inches."""
    items = [item for row in rows for item in row.items]
    bands = [scale.factor * end for row in rows for end in row.band or ()]
    points = [point for item in items for point in item.points(scale)]
    axes.set_ylim(sum(row.height for row in rows), 0)
    set_scale(axes, "x", scale, [*points, *bands], [end for item in items for end in item.ends(scale)])
    axes.set_xlabel("\n".join(wrapped(scale.label, width, SMALL_TYPE)), fontsize=SMALL_TYPE)
    if scale.neutral is not None:
        axes.axvline(scale.neutral, color=NEUTRAL, lw=0.9, zorder=1)
    top, places = 0.0, []
    for row in rows:
        _draw_row(axes, row, scale, top)
        places.append(top + row.height / 2)
        top += row.height
    axes.set_yticks(places, ["\n".join(wrapped(row.name, NAME_WIDTH, SMALL_TYPE)) for row in rows])
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", alpha=0.25, lw=0.6)
    axes.spines["left"].set_visible(False)


def _draw_row(axes: "Axes", row: Row, scale: AxisScale, top: float) -> None:
    """Draw a row below a place: its band, its items and the text at its right."""
    from matplotlib.transforms import blended_transform_factory

    if row.band:
        low, high = (scale.factor * end for end in row.band)
        axes.fill_betweenx([top, top + row.height], low, high, color=row.band_colour, lw=0, zorder=0)
    room = (row.height - GAP) / max(1, len(row.items))
    for i, item in enumerate(row.items):
        draw_seeds(axes, item, scale, top + GAP / 2 + (i + 0.5) * room, min(room, 1.6 * ITEM), along="x")
    if row.text:
        beside = blended_transform_factory(axes.transAxes, axes.transData)
        lines = "\n".join(wrapped(row.text, TEXT_WIDTH, SMALL_TYPE))
        axes.text(1.02, top + row.height / 2, lines, va="center", fontsize=SMALL_TYPE, transform=beside)
