"""Draws rows, a name on the left and its seeds along one axis that all rows share: a forest plot."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from normbench.report.figures.axis_scale import AxisScale, set_scale
from normbench.report.figures.dots import Seeds, draw_seeds
from normbench.report.figures.sheet import Entries, Sheet, panel_title
from normbench.report.figures.words import SMALL_TYPE, TYPE, height_of, widest, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Picture

NAME_WIDTH, TEXT_WIDTH, AXIS, LEAST_MARGIN = 2.3, 2.0, 4.5, 0.5
"""Inches for the name of a row and the text at its right at most, for the axis, and beside this at least."""
ITEM, GAP, LOWEST = 0.21, 0.09, 0.4
"""Inches for one interval with its dots, between rows, and for all rows at least."""
FOOT = 0.45
"""Inches for the ticks of the axis below the rows, and around its label."""
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
    def name_lines(self) -> str:
        """Its name in lines."""
        return "\n".join(wrapped(self.name, NAME_WIDTH, SMALL_TYPE))

    @property
    def text_lines(self) -> str:
        """Its text in lines."""
        return "\n".join(wrapped(self.text, TEXT_WIDTH, SMALL_TYPE))

    @property
    def height(self) -> float:
        """Its height in inches."""
        num_lines = 1 + max(text.count("\n") for text in (self.name_lines, self.text_lines))
        return GAP + max(ITEM * len(self.items), height_of(num_lines, SMALL_TYPE))


@dataclass(frozen=True)
class RowPanel:
    """Rows that share an axis; panels of equal scales have the same limits.

    Attributes:
        scale: Of the axis.
        rows: From the top down.
        title: What the rows have in common.
    """

    scale: AxisScale
    rows: Sequence[Row]
    title: str = ""


@dataclass(frozen=True)
class _Columns:
    """Inches of the three columns of all panels."""

    names: float
    axis: float
    texts: float

    @property
    def whole(self) -> float:
        return self.names + self.axis + self.texts

    def label(self, panel: RowPanel) -> list[str]:
        """Return the lines of the label of a panel's axis."""
        return wrapped(panel.scale.label, self.axis, SMALL_TYPE)

    def head(self, panel: RowPanel) -> float:
        """Return the height of a panel's title."""
        return height_of(len(wrapped(panel.title, self.axis, TYPE)), TYPE) + GAP if panel.title else GAP

    def height(self, panel: RowPanel) -> float:
        """Return the height of a panel with its title, and its axis with its label."""
        return self.head(panel) + _rows_height(panel) + FOOT + height_of(len(self.label(panel)), SMALL_TYPE)


def _rows_height(panel: RowPanel) -> float:
    return max(LOWEST, sum(row.height for row in panel.rows))


def draw_rows(
    title: str, caption: str, panels: Sequence[RowPanel], entries: Entries | None = None, heading: str = ""
) -> "Picture":
    """Return a picture of rows; title, caption, entries and heading are those of ``Sheet``.

    Every row has the height of its text, so that all is placed here, without a layout that is searched for.
    """
    rows = [row for panel in panels for row in panel.rows]
    names = max(LEAST_MARGIN, widest((row.name_lines for row in rows), SMALL_TYPE) + 2 * GAP)
    columns = _Columns(names, AXIS, max(LEAST_MARGIN, widest((row.text_lines for row in rows), SMALL_TYPE) + 2 * GAP))
    heights = [columns.height(panel) for panel in panels]
    sheet = Sheet(title, caption, (columns.whole, sum(heights)), (len(panels), 1), entries, heading)
    top = 0.0
    for axes, panel, height in zip(sheet.axes, panels, heights, strict=True):
        sheet.place(axes, (columns.names, top + columns.head(panel), columns.axis, _rows_height(panel)))
        _draw_panel(axes, panel, [row for other in panels if other.scale == panel.scale for row in other.rows], columns)
        top += height
    return sheet.finished()


def _draw_panel(axes: "Axes", panel: RowPanel, alike: Sequence[Row], columns: _Columns) -> None:
    scale, items = panel.scale, [item for row in alike for item in row.items]
    bands = [scale.factor * end for row in alike for end in row.band or ()]
    points = [point for item in items for point in item.points(scale)]
    axes.set_ylim(_rows_height(panel), 0)
    set_scale(axes, "x", scale, [*points, *bands], [end for item in items for end in item.ends(scale)])
    axes.set_xlabel("\n".join(columns.label(panel)), fontsize=SMALL_TYPE)
    panel_title(axes, panel.title, columns.axis)
    if scale.neutral is not None:
        axes.axvline(scale.neutral, color=NEUTRAL, lw=0.9, zorder=1)
    top, places = 0.0, []
    for row in panel.rows:
        _draw_row(axes, row, scale, top)
        places.append(top + row.height / 2)
        top += row.height
    axes.set_yticks(places, [row.name_lines for row in panel.rows])
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
        axes.text(1.02, top + row.height / 2, row.text_lines, va="center", fontsize=SMALL_TYPE, transform=beside)
