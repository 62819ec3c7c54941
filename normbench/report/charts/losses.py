"""Draws a column over the steps: a line for each arm, the median over its seeds, and a band of their middle half."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from normbench.evidence.comparison.median_curves import MedianCurve, MedianPoint, median_curve
from normbench.evidence.metrics.bounds import possible_range
from normbench.evidence.metrics.directions import direction
from normbench.evidence.metrics.scales import is_accuracy
from normbench.report.blocks.numbers import metric_title
from normbench.report.charts.axes import EDGE, LINE, Frame, heading, x_axis, x_axis_height, y_axis, y_axis_width
from normbench.report.charts.scales import Scale, spanning
from normbench.report.charts.series import MAX_COLOURED, class_of, legend, shape
from normbench.report.charts.svg import WIDTH, Markup, chart, group, path, polyline
from normbench.report.figures.words import seeds_text
from normbench.storage.run_folder import Arm

HEIGHT = 210.0
MAX_POINTS = 100
"""Steps of a line that are drawn: more are closer together than pixels."""
NUM_SHAPES = 5
"""Points of a line that have its shape."""
T = TypeVar("T")


@dataclass(frozen=True)
class Line:
    """One arm's line.

    Attributes:
        place: Its place among the arms, which decides its colour.
        name: The arm's name.
        curve: Its values.
    """

    place: int
    name: str
    curve: MedianCurve


def draw_losses(arms: Sequence[Arm], column: str) -> str:
    """Draw a column over the steps; of a single step a dot for each seed.

    Args:
        arms: The arms, of which the first eight are coloured.
        column: ``test_loss``, ``test_accuracy``, ``weight.std@hidden1`` ...

    Returns:
        The chart; "" where no run has the column.

    Raises:
        RunFolderError: A run's file is missing or was changed.
    """
    curves = [(arm.name, median_curve(arm.runs, column)) for arm in arms]
    there = [(name, curve) for name, curve in curves if curve.points]
    lines = [Line(place, name, curve) for place, (name, curve) in enumerate(there)]
    if not lines:
        return ""
    percent = 100.0 if is_accuracy(column) else 1.0
    steps = sorted({point.step for line in lines for point in line.curve.points})
    head = heading(_title(column, steps), _about(lines, steps))
    low, high = (percent * end for end in possible_range(column))
    frame = Frame(0.0, head.bottom + 4, WIDTH - EDGE - 6, head.bottom + 4 + HEIGHT)
    values = [percent * value for line in lines for value in _values(line.curve)]
    up = spanning(values, frame.bottom, frame.top, possible=(low, high))
    unit = "%" * is_accuracy(column)
    frame = Frame(y_axis_width(up, unit), frame.top, frame.right, frame.bottom)
    is_single = len(steps) == 1
    along = Scale(-0.5, len(lines) - 0.5, frame.left, frame.right) if is_single else _along(steps, frame)
    draw = partial(_dots if is_single else _line, along=along, up=up, percent=percent)
    below = [] if is_single else x_axis(along, frame, "step")
    foot = frame.bottom + (x_axis_height("step") if below else LINE / 2) + 2
    named = legend([line.name for line in lines], foot, more=_more(lines))
    drawn = [draw(line) for line in reversed(lines)]
    body = [*head.body, *y_axis(up, frame, unit), *below, *drawn, *named.body]
    return chart(
        _title(column, steps), " ".join([*_about(lines, steps), *map(_ending, lines)]), foot + named.height, body
    )


def _along(steps: Sequence[int], frame: Frame) -> Scale:
    return Scale(float(steps[0]), float(steps[-1]), frame.left, frame.right)


def _title(column: str, steps: Sequence[int]) -> str:
    way = direction(column)
    better = f", {way} is better" if way else ""
    over = f"at step {steps[0]:,}" if len(steps) == 1 else "over the steps"
    return f"{metric_title(column).capitalize() if '@' not in column else column} {over}{better}"


def _about(lines: Sequence[Line], steps: Sequence[int]) -> list[str]:
    counts = [len(line.curve.seeds) for line in lines]
    if len(steps) == 1:
        return [f"{seeds_text(counts)} an arm, a dot each.", *_diverged(lines)]
    if max(counts) == 1:
        return ["One seed an arm.", *_diverged(lines)]
    bands = (
        "; bands: the middle half of the seeds" if any(line.curve.has_band for line in lines) else "; thin: each seed"
    )
    drawn = [f"{MAX_POINTS} of {len(steps):,} recorded steps are drawn."] * (len(steps) > MAX_POINTS)
    return [f"Lines: the median of {seeds_text(counts)}{bands}.", *drawn, *_diverged(lines)]


def _diverged(lines: Sequence[Line]) -> list[str]:
    lost, runs = sum(line.curve.num_diverged for line in lines), sum(len(line.curve.seeds) for line in lines)
    return [f"{lost} of {runs} runs diverged; from then on they count as the worst."] * bool(lost)


def _more(lines: Sequence[Line]) -> str:
    more = len(lines) - MAX_COLOURED
    return f"{more} more arm{'s' * (more > 1)}" if more > 0 else ""


def _ending(line: Line) -> str:
    return f"{line.name}: {line.curve.points[0].median:.3g} to {line.curve.points[-1].median:.3g}."


def _values(curve: MedianCurve) -> list[float]:
    """Return the numbers that the axis must hold: ends of bands, and seeds where they are drawn."""
    held = [end for point in curve.points for end in (point.low, point.median, point.high)]
    is_each = not curve.has_band or len(curve.points) == 1
    return held + [value for steps in curve.seeds.values() for _, value in steps if is_each]


def _line(line: Line, along: Scale, up: Scale, percent: float) -> Markup:
    points = [point for point in _thinned(line.curve.points) if not math.isnan(point.median)]
    places = [(along.at(point.step), up.at(percent * point.median)) for point in points if math.isfinite(point.median)]
    is_coloured = line.place < MAX_COLOURED
    shown = [shape(line.place, *places[i]) for i in _spread(len(places), line.place)] if is_coloured else []
    behind = _behind(line.curve, points, along, up, percent) if is_coloured else []
    return group([*behind, path([polyline(places)], "line"), path(shown, "point")], class_=class_of(line.place))


def _behind(curve: MedianCurve, points: Sequence[MedianPoint], along: Scale, up: Scale, percent: float) -> list[Markup]:
    """Return the band of the middle half; of fewer than four seeds each seed's thin line."""
    if curve.has_band:
        way = [(along.at(point.step), up.at(percent * point.low)) for point in points]
        back = [(along.at(point.step), up.at(percent * point.high)) for point in reversed(points)]
        return [path([f"{polyline([*way, *back])}z"], "band")]
    seeds = [] if len(curve.seeds) == 1 else [_thinned(steps) for steps in curve.seeds.values()]
    known = [[(step, value) for step, value in steps if math.isfinite(value)] for steps in seeds]
    thin = [polyline([(along.at(step), up.at(percent * value)) for step, value in steps]) for steps in known]
    return [path(thin, "thin")]


def _dots(line: Line, along: Scale, up: Scale, percent: float) -> Markup:
    """Return a dot for each seed of a single step, side by side."""
    values = [value for steps in line.curve.seeds.values() for _, value in steps]
    width = 0.6 / max(1, len(values))
    places = [(along.at(line.place + width * (i - (len(values) - 1) / 2)), value) for i, value in enumerate(values)]
    dots = [shape(line.place, x, up.at(percent * value)) for x, value in places if not math.isnan(value)]
    return group([path([dot], "point") for dot in dots], class_=class_of(line.place))


def _thinned(points: Sequence[T]) -> Sequence[T]:
    """Return at most ``MAX_POINTS`` points, even spread, the first and the last among them."""
    if len(points) <= MAX_POINTS:
        return points
    return [points[round(i * (len(points) - 1) / (MAX_POINTS - 1))] for i in range(MAX_POINTS)]


def _spread(count: int, place: int) -> list[int]:
    """Return which points of a line have its shape: the last, and a few that differ from line to line."""
    if count <= NUM_SHAPES:
        return list(range(count))
    gap = count / NUM_SHAPES
    inner = {int((i + (place % MAX_COLOURED) / MAX_COLOURED) * gap) for i in range(NUM_SHAPES)}
    return sorted({*inner, count - 1})
