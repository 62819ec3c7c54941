"""Draws strips one below the other on one axis, with the band that is too small to matter and the neutral line."""

from collections.abc import Sequence
from itertools import accumulate

from normbench.evidence.metrics.directions import direction
from normbench.report.charts.axes import EDGE, Frame, heading, upright, x_axis, x_axis_height
from normbench.report.charts.scales import ANYTHING, Scale, spanning
from normbench.report.charts.strips import MAX_TITLED, RADIUS, Strip, draw_strip, strip_height, zone
from normbench.report.charts.svg import WIDTH, Markup, box, chart, path

SIDE = EDGE + RADIUS
Ends = tuple[float, float]


def strip_chart(
    title: str,
    about: Sequence[str],
    strips: Sequence[Strip],
    scale: Scale,
    *,
    axis: str,
    unit: str = "",
    band: Ends | None = None,
    neutral: float | None = None,
) -> str:
    """Return the chart.

    Args:
        title: What it shows.
        about: Of how many seeds, with which interval.
        strips: The arms, from the top down.
        scale: The axis that all share.
        axis: What it shows.
        unit: What stands behind its numbers.
        band: Ends of what is too small to matter; None for none.
        neutral: The number at which arms are equal; None for none.
    """
    head = heading(title, about)
    ends = list(accumulate(map(strip_height, strips), initial=head.bottom))
    frame = Frame(SIDE, head.bottom, WIDTH - SIDE, ends[-1])
    zones = [zone(strip, top) for strip, top in zip(strips, ends, strict=False)]
    is_titled = sum(len(strip.dots) for strip in strips) <= MAX_TITLED
    drawn = [draw_strip(strip, scale, top, is_titled=is_titled) for strip, top in zip(strips, ends, strict=False)]
    behind = [*_band(scale, zones, band), *x_axis(scale, frame, axis, unit, zones)]
    if neutral is not None:
        behind.append(path(upright([scale.at(neutral)], zones), "neutral"))
    said = " ".join([*about, *(f"{strip.name}: {strip.note}." for strip in strips)])
    return chart(title, said, frame.bottom + x_axis_height(axis), [*head.body, *behind, *drawn])


def strip_axis(
    strips: Sequence[Strip], others: Sequence[float] = (), *, possible: Ends = ANYTHING, is_log: bool | None = None
) -> Scale:
    """Return the axis that holds all dots and intervals of strips, and other numbers; as ``spanning`` makes it."""
    ends = [end for strip in strips for end in (strip.ends or ())]
    held = [*(dot.value for strip in strips for dot in strip.dots), *(strip.middle for strip in strips), *ends, *others]
    return spanning(held, SIDE, WIDTH - SIDE, possible=possible, is_log=is_log)


def interval_words(strips: Sequence[Strip], what: str, level: str = "95 % intervals") -> str:
    """Return what the bars and diamonds of strips are."""
    if not any(strip.ends for strip in strips):
        return f"Too few seeds for an interval; diamonds: {what}."
    return f"Bars: {level.replace('at level', 'intervals at level')} of {what}, the diamonds."


def better_words(metric: str) -> str:
    """Return which way of a metric is better, to stand behind it.

    Example:
        >>> better_words("test_loss"), better_words("weight.std@fc1")
        (' (lower is better)', '')
    """
    way = direction(metric)
    return f" ({way} is better)" if way else ""


def _band(scale: Scale, zones: Sequence[Ends], band: Ends | None) -> list[Markup]:
    if band is None:
        return []
    low, high = (scale.at(end) for end in band)
    return [path((box(low, top, high, bottom) for top, bottom in zones if bottom > top), "margin")]
