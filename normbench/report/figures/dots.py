"""Draws the seeds of one number as dots beside its mean or median and the interval of that."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from normbench.report.figures.axis_scale import AxisScale
from normbench.report.figures.looks import Look

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FEWEST_SEEDS = 4
"""Fewer seeds have no interval in a picture: they say too little of how far they scatter."""
DOT, MIDDLE = 3.2, 6.0
"""Sizes of a seed's dot and of the marker of their middle, in points."""


@dataclass(frozen=True)
class Seeds:
    """The seeds of one arm, or of one value of a setting.

    Attributes:
        look: How they are drawn.
        values: A number for each seed; one that is infinite lies at the end of the axis.
        middle: Their mean or median.
        low: Lower end of the interval of that; None or infinite where there is none.
        high: Upper end of it.
        is_open: Whether the middle is an open marker, as for what stands beside another interval.
        count: Number of seeds where their values are not known.
    """

    look: Look
    values: Sequence[float]
    middle: float
    low: float | None = None
    high: float | None = None
    is_open: bool = False
    count: int = 0

    @property
    def has_interval(self) -> bool:
        """Whether an interval is drawn: of four seeds or more, with an end that says something."""
        known = [end for end in (self.low, self.high) if end is not None and math.isfinite(end)]
        return bool(known) and max(self.count, len(self.values)) >= FEWEST_SEEDS

    def points(self, scale: AxisScale) -> list[float]:
        """Return the places of all seeds and of their middle, all of which lie on the axis."""
        return [scale.drawn(value) for value in (*self.values, self.middle)]

    def ends(self, scale: AxisScale) -> list[float]:
        """Return the places of the ends of the interval."""
        return [scale.drawn(end) for end in (self.low, self.high)] if self.has_interval else []


def draw_seeds(axes: "Axes", seeds: Seeds, scale: AxisScale, at: float, width: float, *, along: str) -> None:
    """Draw dots on one side of a place and the interval on its other side.

    Args:
        axes: Axes whose limits are set.
        seeds: What is drawn.
        scale: Of the axis on which the numbers lie.
        at: The place on the other axis.
        width: Room around that place.
        along: "x" or "y": the axis on which the numbers lie.
    """
    limits = axes.get_xlim() if along == "x" else axes.get_ylim()
    values = [_at_end(scale.factor * value, limits) for value in seeds.values]
    values = [value for value in values if not math.isnan(value)]
    colour = seeds.look.colour
    options: dict[str, Any] = {"clip_on": False, "zorder": 3}
    places = _side_by_side(len(values), at + 0.22 * width, 0.3 * width)
    axes.plot(*_pair(values, places, along), "o", ms=DOT, color=colour, alpha=0.55, mew=0, **options)
    beside = at - 0.2 * width
    if seeds.has_interval:
        ends = [_at_end(scale.factor * _known(end, -1), limits) for end in (seeds.low,)]
        ends += [_at_end(scale.factor * _known(end, 1), limits) for end in (seeds.high,)]
        axes.plot(*_pair(ends, [beside, beside], along), "-", color=colour, lw=1.8, solid_capstyle="butt", zorder=2)
    middle = _at_end(scale.factor * seeds.middle, limits)
    face = "white" if seeds.is_open else colour
    axes.plot(
        *_pair([middle], [beside], along), seeds.look.marker, ms=MIDDLE, color=colour, mfc=face, label="", **options
    )


def _pair(values: Sequence[float], places: Sequence[float], along: str) -> tuple[Sequence[float], Sequence[float]]:
    return (values, places) if along == "x" else (places, values)


def _known(end: float | None, sign: int) -> float:
    return sign * math.inf if end is None else end


def _at_end(value: float, limits: tuple[float, float]) -> float:
    """Return a place on the axis: what lies beyond it is at its end; nan stays."""
    return value if math.isnan(value) else min(max(value, min(limits)), max(limits))


def _side_by_side(count: int, at: float, width: float) -> list[float]:
    """Return a place for each seed, spread evenly around one, neighbours apart."""
    if count < 2:
        return [at] * count
    steps = [i / (count - 1) - 0.5 for i in range(count)]
    return [at + width * step for step in [*steps[::2], *steps[1::2]]]
