"""Tells the lines of a chart apart by colour, dashes and the shape of their points, and names them in a legend."""

from collections.abc import Sequence
from dataclasses import dataclass

from normbench.report.charts.axes import EDGE, LINE, MONO_LETTER, lines_of, words_at
from normbench.report.charts.svg import WIDTH, Markup, group, number, path

MAX_COLOURED = 8
"""Lines of more arms are grey: nobody tells nine colours apart."""
SAMPLE = 26.0
"""Length of a line's sample in the legend."""
NARROW = 18
"""Letters of a name with which a legend has two columns."""
SHAPES = (
    "m-3.4 0a3.4 3.4 0 1 0 6.8 0a3.4 3.4 0 1 0 -6.8 0z",
    "m-3 -3h6v6h-6z",
    "m0 -4l4 7h-8z",
    "m0 -4.4l4.4 4.4l-4.4 4.4l-4.4 -4.4z",
    "m0 4l4 -7h-8z",
    "m-1.3 -4h2.6v2.7h2.7v2.6h-2.7v2.7h-2.6v-2.7h-2.7v-2.6h2.7z",
    "m-4 0l2 -3.5h4l2 3.5l-2 3.5h-4z",
    "m0 -4.6l1.2 3.4l3.4 1.2l-3.4 1.2l-1.2 3.4l-1.2 -3.4l-3.4 -1.2l3.4 -1.2z",
)
"""Of the points of each coloured line, around their middle: circle, square, triangle, diamond, and so on."""


@dataclass(frozen=True)
class Legend:
    """The names of lines below a chart.

    Attributes:
        body: Their markup.
        height: Their height.
    """

    body: Sequence[Markup]
    height: float


def class_of(place: int) -> str:
    """Return the class that gives a line its colour and its dashes; the lines after the eighth share one."""
    return f"series s{place + 1}" if place < MAX_COLOURED else "series other"


def shape(place: int, x: float, y: float) -> str:
    """Return the commands of a point of a line."""
    return f"M{number(x)} {number(y)}{SHAPES[min(place, MAX_COLOURED - 1)]}"


def legend(names: Sequence[str], top: float, *, more: str = "") -> Legend:
    """Return a sample of each coloured line with its name, wrapped and never cut.

    Args:
        names: Names of the lines, in their order.
        top: Where the legend begins.
        more: What the grey lines are; "" without any.
    """
    shown = list(enumerate(names[:MAX_COLOURED])) + ([(MAX_COLOURED, more)] if more else [])
    columns = 2 if all(len(name) <= NARROW for _, name in shown) else 1
    width, y, body = (WIDTH - EDGE) / columns, top, []
    for first in range(0, len(shown), columns):
        row = [lines_of(name, width - SAMPLE - 14, MONO_LETTER) for _, name in shown[first : first + columns]]
        for column, lines in enumerate(row):
            body.append(_entry(shown[first + column][0], lines, EDGE + column * width, y))
        y += LINE * max(map(len, row)) + 2
    return Legend(body, y - top)


def _entry(place: int, lines: Sequence[str], x: float, top: float) -> Markup:
    y = top + LINE / 2
    sample = path([f"M{number(x)} {number(y)}h{number(SAMPLE)}"], "line")
    point = [path([shape(place, x + SAMPLE / 2, y)], "point")] if place < MAX_COLOURED else []
    words = [words_at(x + SAMPLE + 6, top + LINE * i + 12, line, "arm") for i, line in enumerate(lines)]
    return group([sample, *point, *words], class_=class_of(place))
