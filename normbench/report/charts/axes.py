"""Draws the heading of a chart and its axes: lines at the ticks, their numbers, and what the axis shows."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from normbench.report.charts.scales import Scale, tick_texts
from normbench.report.charts.svg import WIDTH, Markup, element, number, path, text
from normbench.report.terminal.wrapping import cell_lines

LETTER, DIGIT, MONO_LETTER, BOLD_LETTER = 6.8, 7.7, 7.4, 9.0
"""Upper bounds of the mean width of a letter, a digit, a letter of equal widths, all of 12 pixels; of 13 in bold."""
LINE, BOLD_LINE = 16.0, 19.0
"""Heights of a line of text."""
EDGE = 2.0
GAP = 8.0
"""Least space between two numbers of an axis."""
PER_CENT = 4.0
"""A per cent sign is so much wider than a digit."""


@dataclass(frozen=True)
class Frame:
    """The rectangle in which numbers are drawn."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True)
class Heading:
    """The words above a chart.

    Attributes:
        body: Their markup.
        bottom: Where they end.
    """

    body: Sequence[Markup]
    bottom: float


def heading(title: str, about: Sequence[str], arm: str = "") -> Heading:
    """Return what a chart shows, of which arm, and of how many seeds with which interval; wrapped and never cut."""
    y, body = 0.0, []
    for line in lines_of(title, WIDTH - EDGE, BOLD_LETTER):
        y += BOLD_LINE
        body.append(words_at(EDGE, y - 4, line, "head"))
    names = [(line, "arm") for line in lines_of(arm, WIDTH - EDGE, MONO_LETTER) if arm]
    for line, class_ in [*names, *((line, "note") for said in about for line in lines_of(said, WIDTH - EDGE))]:
        y += LINE
        body.append(words_at(EDGE, y - 3, line, class_))
    return Heading(body, y + 6)


def lines_of(words: str, width: float, letter: float = LETTER) -> list[str]:
    """Return words broken into lines of a width."""
    return cell_lines(words, max(4, int(width / letter)))


def words_at(x: float, y: float, words: str, class_: str, anchor: str = "start") -> Markup:
    """Return a line of text that begins at x, or ends there or has its middle there."""
    return element("text", text(words), x=x, y=y, class_=class_, text_anchor=None if anchor == "start" else anchor)


def width_of(words: str, letter: float = LETTER) -> float:
    """Return an upper bound of the width of a line of text."""
    return cell_len(words) * letter


def x_axis(
    scale: Scale, frame: Frame, title: str, unit: str = "", zones: Sequence[tuple[float, float]] = ()
) -> list[Markup]:
    """Return upright lines at the ticks, the numbers below them, and a title.

    Args:
        scale: The axis.
        frame: Where it is drawn.
        title: What it shows.
        unit: What stands behind each number.
        zones: From where to where the lines go; the whole frame if empty.
    """
    ticks = [tick for tick in scale.ticks() if scale.holds(tick)]
    labels = [f"{label}{unit}" for label in tick_texts(ticks, is_log=scale.is_log)]
    lines = path(upright([scale.at(tick) for tick in ticks], zones or [(frame.top, frame.bottom)]), "grid")
    numbers = numbers_below([scale.at(tick) for tick in ticks], labels, frame.bottom + 14)
    below = [
        words_at((frame.left + frame.right) / 2, frame.bottom + 14 + LINE * (i + 1), line, "note", "middle")
        for i, line in enumerate(lines_of(title, WIDTH))
    ]
    return [lines, *numbers, *below]


def upright(places: Sequence[float], zones: Sequence[tuple[float, float]]) -> list[str]:
    """Return the commands of upright lines, from the top to the bottom of each zone."""
    return [f"M{number(x)} {number(top)}V{number(bottom)}" for x in places for top, bottom in zones if bottom > top]


def x_axis_height(title: str) -> float:
    """Return the space that an axis takes below its frame."""
    return 18 + LINE * len(lines_of(title, WIDTH)) * bool(title) + 4


def numbers_below(places: Sequence[float], labels: Sequence[str], y: float) -> list[Markup]:
    """Return the numbers of an axis from left to right, those left out that would touch the one before."""
    found, free_from = [], 0.0
    for place, label in zip(places, labels, strict=True):
        half = width_of(label, DIGIT) / 2
        middle = min(max(place, half), WIDTH - half)
        if middle - half >= free_from:
            found.append(words_at(middle, y, label, "tick", "middle"))
            free_from = middle + half + GAP
    return found


def y_axis(scale: Scale, frame: Frame, unit: str = "") -> list[Markup]:
    """Return lines from left to right at the ticks, with the numbers left of them."""
    ticks = [tick for tick in scale.ticks() if scale.holds(tick)]
    labels = y_labels(scale, unit)
    lines = path((f"M{number(frame.left)} {number(scale.at(tick))}H{number(frame.right)}" for tick in ticks), "grid")
    pairs = zip(ticks, labels, strict=True)
    return [lines, *(words_at(frame.left - 6, scale.at(tick) + 4, label, "tick", "end") for tick, label in pairs)]


def y_labels(scale: Scale, unit: str = "") -> list[str]:
    """Return the numbers of an axis that points up."""
    ticks = [tick for tick in scale.ticks() if scale.holds(tick)]
    return [f"{label}{unit}" for label in tick_texts(ticks, is_log=scale.is_log)]


def y_axis_width(scale: Scale, unit: str = "") -> float:
    """Return the space that the numbers of an axis take left of its frame."""
    return max((width_of(label, DIGIT) for label in y_labels(scale, unit)), default=0.0) + 8 + PER_CENT * len(unit)
