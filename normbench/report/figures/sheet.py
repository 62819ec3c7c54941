"""Sheet: a picture's page: its question above, what it shows below that, panels, and one legend under all of them."""

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from normbench.report.figures.looks import Look
from normbench.report.figures.words import SMALL_TYPE, TITLE_TYPE, TYPE, height_of, widest, wrapped

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure as Picture
    from matplotlib.text import Text
    from matplotlib.transforms import Bbox

STYLE: dict[Any, Any] = {  # of names that matplotlib lists
    "svg.hashsalt": "normbench",
    "svg.fonttype": "none",
    "font.size": TYPE,
    "text.parse_math": False,  # a name may hold dollars
    "axes.titlesize": TYPE,
    "axes.labelsize": TYPE,
    "xtick.labelsize": SMALL_TYPE,
    "ytick.labelsize": SMALL_TYPE,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "lines.dashed_pattern": [4.0, 1.8],
    "lines.dotted_pattern": [1.2, 1.8],
}
EDGE = 0.1
"""Inches between the picture's edge and what is in it."""
DPI = 120
FOOT, RIGHT = 0.55, 0.3
"""Inches below axes for ticks and a label, and at their right for half of the last tick's label."""
HANDLE = 0.55
"""Inches of a legend's line and what lies between it and its label."""
TICK = 0.12
"""Inches of a tick and around it."""
BETWEEN = 3.0
"""Pixels between two tick labels at least."""

Entries = Mapping[str, "Look | Artist"]
"""What stands in a legend, by its label."""


@contextmanager
def drawing() -> Iterator[None]:
    """Within the block matplotlib draws in normbench's style; a letter that its font lacks is a box, without a word."""
    import matplotlib as mpl

    with mpl.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from")
        yield


class Sheet:
    """A picture with its title, its caption, its panels and its legend; use it inside ``drawing()``.

    Args:
        title: The question that the picture answers.
        caption: What is drawn: of how many seeds, and which interval.
        size: Width and height of the panels with their labels, in inches; title, caption and legend come on top.
        shape: Rows and columns of panels.
        entries: The look of each line, or an example of it, by its label; none has no legend.
        heading: Title of the legend.
        options: Of ``Figure.subplots``.
    """

    def __init__(
        self,
        title: str,
        caption: str,
        size: tuple[float, float],
        shape: tuple[int, int] = (1, 1),
        entries: Entries | None = None,
        heading: str = "",
        **options: Any,
    ) -> None:
        from matplotlib.figure import Figure as Picture  # a second to import; only where a picture is drawn

        width = size[0]
        self.picture = Picture(figsize=size, dpi=DPI)
        said = ((title, TITLE_TYPE), (caption, TYPE))
        head = [(wrapped(text, width - 2 * EDGE, points), points) for text, points in said]
        above = 2 * EDGE + sum(height_of(len(lines), points) for lines, points in head)
        self.size = size
        self.below = below = EDGE + (_add_legend(self.picture, entries, heading) if entries else 0.0)
        height = size[1] + above + below
        self.picture.set_size_inches(width, height)
        self.head = _add_head(self.picture, head, height)
        self.shape = shape
        self.axes: list[Axes] = list(self.picture.subplots(*shape, squeeze=False, **options).flat)

    def place(self, axes: "Axes", box: tuple[float, float, float, float]) -> None:
        """Put axes at a place of their own, in inches from the upper left corner of the panels: x, y, width, height."""
        (x, y, width, height), (across, down) = box, self.picture.get_size_inches()
        axes.set_position((x / across, (self.below + self.size[1] - y - height) / down, width / across, height / down))

    def place_all(self, head: float, foot: float = FOOT) -> None:
        """Put all axes into the cells of a grid, once their scales and labels are set.

        Args:
            head: Inches of each cell above its axes, for their title.
            foot: Inches below them, for ticks and label.
        """
        rows, columns = self.shape
        across, down = self.size[0] / columns, self.size[1] / rows
        left = max(left_room(axes) for axes in self.axes)
        for i, axes in enumerate(self.axes):
            x, y = i % columns * across + left, i // columns * down + head
            self.place(axes, (x, y, across - left - RIGHT, down - head - foot))

    def finished(self) -> "Picture":
        """Take away tick labels that would touch others; return the picture."""
        for axes in self.picture.axes:
            for axis in (axes.xaxis, axes.yaxis):
                _thin(axis)
        return self.picture


def _add_head(picture: "Picture", head: Sequence[tuple[Sequence[str], float]], height: float) -> "list[Text]":
    """Write title and caption from the upper left corner down; return them."""
    y, texts = height - EDGE, []
    for lines, size in head:
        transform = picture.dpi_scale_trans
        texts.append(picture.text(EDGE, y, "\n".join(lines), size=size, va="top", linespacing=1.1, transform=transform))
        y -= height_of(len(lines), size)
    return texts


def _add_legend(picture: "Picture", entries: Entries, heading: str) -> float:
    """Draw the legend in the lower left corner; return its height in inches."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    width = picture.get_figwidth() - 2 * EDGE
    labels = ["\n".join(wrapped(label, width - HANDLE - EDGE, SMALL_TYPE)) for label in entries]
    columns = max(1, min(len(labels), int(width / (widest(labels, SMALL_TYPE) + HANDLE + 0.25))))
    legend = picture.legend(
        [_handle(look) for look in entries.values()],
        labels,
        loc="lower left",
        ncols=columns,
        title="\n".join(wrapped(heading, width, SMALL_TYPE)) or None,
        fontsize=SMALL_TYPE,
        title_fontsize=SMALL_TYPE,
        alignment="left",
        frameon=False,
        borderpad=0,
        borderaxespad=0,
        columnspacing=1.5,
        bbox_to_anchor=(EDGE, EDGE),
        bbox_transform=picture.dpi_scale_trans,
    )
    legend.set_in_layout(False)
    return float(legend.get_window_extent(FigureCanvasAgg(picture).get_renderer()).height) / DPI + EDGE  # type: ignore[no-untyped-call]


def _handle(look: "Look | Artist") -> "Artist":
    from matplotlib.lines import Line2D

    if not isinstance(look, Look):
        return look
    return Line2D([], [], color=look.colour, linestyle=look.dash, marker=look.marker, markersize=5, linewidth=1.6)


def _thin(axis: "Axis") -> None:
    """Take away each tick label that would touch the one before it."""
    shown: list[Bbox] = []
    for label in shown_tick_labels(axis):
        box = label.get_window_extent()
        if any(_touch(box, other) for other in shown):
            label.set_visible(False)
        else:
            shown.append(box)


def shown_tick_labels(axis: "Axis") -> "list[Text]":
    """Return the tick labels that are drawn: matplotlib keeps those of ticks beyond the axis too."""
    low, high = sorted(axis.get_view_interval())
    room = 1e-9 * (high - low)
    axis.get_ticklabels()  # puts the ticks in their places
    inside = [tick.label1 for tick in axis.get_major_ticks() if low - room <= tick.get_loc() <= high + room]
    return [label for label in inside if label.get_visible() and label.get_text()]


def _touch(one: "Bbox", other: "Bbox") -> bool:
    return bool(one.padded(BETWEEN / 2).overlaps(other.padded(BETWEEN / 2)))


def left_room(axes: "Axes") -> float:
    """Return the inches that the label and the ticks of a y axis take, whose scale and texts are set."""
    label = axes.get_ylabel()
    room = height_of(label.count("\n") + 1, TYPE) + EDGE if label else 0.0
    return EDGE + room + widest([text.get_text() for text in shown_tick_labels(axes.yaxis)], SMALL_TYPE) + TICK


def head_room(texts: Iterable[str], width: float) -> float:
    """Return the inches that the titles of panels take, the longest of them in a width in inches."""
    return EDGE + height_of(max((len(wrapped(text, width, TYPE)) for text in texts if text), default=0), TYPE)


def panel_title(axes: "Axes", text: str, width: float) -> int:
    """Write a panel's title in lines of a width in inches; return how many."""
    lines = wrapped(text, width, TYPE) if text else []
    axes.set_title("\n".join(lines), loc="left")
    return len(lines)


def axis_label(axes: "Axes", which: str, text: str, length: float) -> None:
    """Write the label of the x or y axis in lines of a length in inches."""
    getattr(axes, f"set_{which}label")("\n".join(wrapped(text, length, TYPE)))
