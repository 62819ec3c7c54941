"""Draws one arm as a strip: a dot for each seed, and below the dots the interval with its middle."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from normbench.report.charts.axes import EDGE, LINE, MONO_LETTER, lines_of, width_of, words_at
from normbench.report.charts.scales import Scale
from normbench.report.charts.svg import WIDTH, Markup, element, group, number, path, polyline, text

RADIUS = 3.5
LEVELS = (0.0, -1.0, 1.0, -2.0, 2.0)
"""Heights of dots that would hide each other, in steps from the middle."""
LEVEL_STEP = 3.0
DOTS_HEIGHT, INTERVAL_HEIGHT, ROOM_BELOW = 20.0, 12.0, 8.0
ARROW = 4.0
FEWEST_SEEDS = 4
"""Of fewer there are dots alone, whatever an interval would say."""
MAX_TITLED = 600
"""Dots that tell their seed; of more the charts would grow too large."""
Words = tuple[float, str, str, str]
"""A line of text: its x, what it says, its class, and which end of it is at x."""
Tone = Literal["better", "worse", "open"]


@dataclass(frozen=True)
class Dot:
    """One seed.

    Attributes:
        seed: The seed.
        value: Its number; inf or -inf beyond an end of the axis, nan where both runs diverged.
        words: What its dot says.
        is_lost: Whether the run diverged, so that its number is only what it counts as.
    """

    seed: int
    value: float
    words: str
    is_lost: bool = False


@dataclass(frozen=True)
class Strip:
    """One arm.

    Attributes:
        name: The arm's name.
        note: Its numbers and verdict as text.
        dots: Its seeds; none for a baseline.
        middle: The value of the interval's middle; nan for none.
        ends: Ends of the interval; None where there is none.
        tone: Its verdict.
    """

    name: str
    note: str
    dots: Sequence[Dot] = ()
    middle: float = math.nan
    ends: tuple[float, float] | None = None
    tone: Tone = "open"


def strip_height(strip: Strip) -> float:
    """Return the height of a strip with its words."""
    words = _words(strip)
    return LINE * len(words) + (DOTS_HEIGHT + INTERVAL_HEIGHT if strip.dots else 0.0) + ROOM_BELOW


def zone(strip: Strip, top: float) -> tuple[float, float]:
    """Return where the dots and the interval of a strip that begins at ``top`` lie, below its words."""
    inner = top + LINE * len(_words(strip))
    return inner, inner + (DOTS_HEIGHT + INTERVAL_HEIGHT if strip.dots else 0.0)


def draw_strip(strip: Strip, scale: Scale, top: float, *, is_titled: bool) -> Markup:
    """Return a strip whose words begin at ``top``; each dot says its seed where ``is_titled``."""
    words = _words(strip)
    body = [
        words_at(x, top + LINE * (i + 1) - 4, line, class_, anchor)
        for i, row in enumerate(words)
        for x, line, class_, anchor in row
    ]
    y = top + LINE * len(words) + DOTS_HEIGHT / 2
    dots = _dots(strip.dots, scale, y, is_titled=is_titled)
    return group(
        [*body, *dots, *_interval(strip, scale, y + DOTS_HEIGHT / 2 + INTERVAL_HEIGHT / 2 - 2)], class_=strip.tone
    )


def _words(strip: Strip) -> list[list[Words]]:
    """Return the lines of words above a strip: name and note in one line where both fit."""
    names, notes = lines_of(strip.name, WIDTH - EDGE, MONO_LETTER), lines_of(strip.note, WIDTH - EDGE)
    if len(names) == len(notes) == 1 and width_of(strip.name, MONO_LETTER) + width_of(strip.note) + 12 <= WIDTH:
        return [[(EDGE, strip.name, "arm", "start"), (WIDTH - EDGE, strip.note, "note", "end")]]
    lines: list[Words] = [(EDGE, line, "arm", "start") for line in names]
    return [[words] for words in [*lines, *((EDGE, line, "note", "start") for line in notes if line)]]


def _dots(dots: Sequence[Dot], scale: Scale, y: float, *, is_titled: bool) -> list[Markup]:
    found, last = [], dict.fromkeys(LEVELS, -math.inf)
    for dot in sorted(dots, key=lambda dot: (_place(dot, scale), dot.seed)):
        x = _place(dot, scale)
        level = next(
            (level for level in LEVELS if x - last[level] >= 2 * RADIUS), min(LEVELS, key=lambda one: last[one])
        )
        last[level] = x
        found.append(_dot(dot, x, y + level * LEVEL_STEP, is_titled=is_titled))
    return found


def _place(dot: Dot, scale: Scale) -> float:
    return (scale.start + scale.end) / 2 if math.isnan(dot.value) else scale.at(dot.value)


def _dot(dot: Dot, x: float, y: float, *, is_titled: bool) -> Markup:
    """Return a dot; a cross for a run that diverged."""
    said = (element("title", text(dot.words)),) if is_titled else ()
    if math.isfinite(dot.value) and not dot.is_lost:
        return element("circle", *said, class_="dot", cx=x, cy=y, r=RADIUS)
    cross = f"M{number(x - 3)} {number(y - 3)}l6 6m0 -6l-6 6"
    return element("path", *said, class_="lost", d=cross)


def _interval(strip: Strip, scale: Scale, y: float) -> list[Markup]:
    """Return the interval with caps, or arrows where it goes on beyond the axis, and its middle as a diamond."""
    found = []
    if strip.ends:
        low, high = (scale.at(end) for end in strip.ends)
        caps = [
            _end(x, y, way, is_open=not scale.holds(end))
            for x, way, end in zip((low, high), (1, -1), strip.ends, strict=True)
        ]
        found.append(path([f"M{number(low)} {number(y)}H{number(high)}", *caps], "interval"))
    if math.isfinite(strip.middle):
        x = scale.at(strip.middle)
        found.append(path([f"M{number(x - 4.5)} {number(y)}l4.5 -4.5l4.5 4.5l-4.5 4.5z"], "middle"))
    return found


def _end(x: float, y: float, way: int, *, is_open: bool) -> str:
    if is_open:
        return polyline([(x + way * ARROW, y - ARROW), (x, y), (x + way * ARROW, y + ARROW)])
    return f"M{number(x)} {number(y - 4)}V{number(y + 4)}"
