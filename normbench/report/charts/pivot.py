"""Draws a metric over a setting: a line for each value of the other setting, a dot a seed, means with intervals."""

import math
from collections.abc import Sequence

from normbench.evidence.comparison.pivot import Pivot
from normbench.evidence.metrics.bounds import possible_range
from normbench.evidence.metrics.scales import is_accuracy
from normbench.report.blocks.numbers import metric_title
from normbench.report.charts.axes import (
    EDGE,
    LINE,
    Frame,
    heading,
    lines_of,
    numbers_below,
    upright,
    words_at,
    y_axis,
    y_axis_width,
)
from normbench.report.charts.scales import Scale, spanning, tick_text
from normbench.report.charts.series import MAX_COLOURED, class_of, legend, shape
from normbench.report.charts.strip_chart import better_words
from normbench.report.charts.strips import FEWEST_SEEDS
from normbench.report.charts.svg import WIDTH, Markup, chart, element, group, number, path, polyline
from normbench.report.charts.value_strips import draw_values, percent_of
from normbench.report.figures.panels import Panel, Series, panel_over_setting
from normbench.report.figures.words import seeds_text

HEIGHT, ROOM = 220.0, 14.0
SEED_RADIUS = 2.2
DODGE = 3.0
"""Pixels between neighbouring lines at the same value, so that their seeds do not hide each other."""
MAX_SHIFT = 10.0


def draw_pivot(pivot: Pivot) -> str:
    """Draw a metric over a numeric setting; over words a strip for each cell.

    Args:
        pivot: A table of a study by one or two settings.

    Returns:
        The chart; "" of a table without arms.
    """
    panel = panel_over_setting(pivot)
    if not any(series.x for series in panel.series):
        return ""
    title = f"{metric_title(pivot.metric).capitalize()} over {panel.x_label}{better_words(pivot.metric)}"
    fixed = ", ".join(f"{key} {value}" for key, value in pivot.fixed.items())
    return _over_words(pivot, title, fixed) if panel.ticks else _over_numbers(pivot.metric, panel, title, fixed)


def _over_words(pivot: Pivot, title: str, fixed: str) -> str:
    columns = pivot.columns if pivot.by[1:] else ("",)
    cells = {
        " · ".join(filter(None, (line.label, column))): (cell.seeds, cell.figure)
        for line in pivot.lines
        for column, cell in zip(columns, line.cells, strict=True)
        if cell
    }
    return draw_values(title, pivot.metric, cells, f"{fixed}." * bool(fixed))


def _over_numbers(metric: str, panel: Panel, title: str, fixed: str) -> str:
    about = [_about(panel), *[f"{fixed}."] * bool(fixed)]
    head, unit, percent = heading(title, about), "%" * is_accuracy(metric), percent_of(metric)
    top, bottom = head.bottom + 4, head.bottom + 4 + HEIGHT
    up = _y_scale(metric, panel, top, bottom)
    frame = Frame(y_axis_width(up, unit), top, WIDTH - EDGE, bottom)
    places = sorted({x for series in panel.series for x in series.x})
    along = spanning(places, frame.left + ROOM, frame.right - ROOM)
    named = [series.label for series in panel.series] if panel.legend else []
    lines = [_line(series, i, len(panel.series), along, up, percent) for i, series in enumerate(panel.series)]
    foot = bottom + 18 + LINE * len(lines_of(panel.x_label, WIDTH)) + 4
    names = [words_at(EDGE, foot + LINE - 4, panel.legend, "note")] if named else []
    key = legend(named, foot + LINE, more=_more(panel)) if named else None
    below = _x_axis(places, along, frame, panel.x_label)
    body = [*head.body, *y_axis(up, frame, unit), *below, *reversed(lines), *names, *(key.body if key else ())]
    said = " ".join([*about, *(_told(series, percent, unit) for series in panel.series)])
    return chart(title, said, foot + (LINE + key.height if key else 0.0), body)


def _about(panel: Panel) -> str:
    counts = [len(values) for series in panel.series for values in series.values]
    has_interval = any(_has_interval(series, i) for series in panel.series for i in range(len(series.x)))
    bars = "bars: its 95 % interval" if has_interval else "too few seeds for an interval"
    return f"{seeds_text(counts)} an arm, a small dot each. Lines: the mean; {bars}."


def _more(panel: Panel) -> str:
    more = len(panel.series) - MAX_COLOURED
    return f"{more} more" if more > 0 else ""


def _told(series: Series, percent: float, unit: str) -> str:
    pairs = zip(series.x, series.means, strict=True)
    return f"{series.label} {', '.join(f'{percent * mean:.3g}{unit} at {x:g}' for x, mean in pairs)}.".lstrip()


def _has_interval(series: Series, i: int) -> bool:
    return None not in (series.lows[i], series.highs[i]) and len(series.values[i]) >= FEWEST_SEEDS


def _y_scale(metric: str, panel: Panel, top: float, bottom: float) -> Scale:
    percent = percent_of(metric)
    ends = [
        end
        for series in panel.series
        for i in range(len(series.x))
        if _has_interval(series, i)
        for end in (series.lows[i], series.highs[i])
        if end is not None
    ]
    seeds = [float(value) for series in panel.series for values in series.values for value in values]
    means = [mean for series in panel.series for mean in series.means]
    low, high = (percent * end for end in possible_range(metric))
    return spanning([percent * one for one in (*seeds, *means, *ends)], bottom, top, possible=(low, high))


def _x_axis(places: Sequence[float], along: Scale, frame: Frame, title: str) -> list[Markup]:
    """Return the axis with the setting's own values as its numbers."""
    labels = [tick_text(place, abs(place) or 1.0) if place != int(place) else f"{place:g}" for place in places]
    at = [along.at(place) for place in places]
    lines = path(upright(at, [(frame.top, frame.bottom)]), "grid")
    middle = (frame.left + frame.right) / 2
    titles = [
        words_at(middle, frame.bottom + 14 + LINE * (i + 1), line, "note", "middle")
        for i, line in enumerate(lines_of(title, WIDTH))
    ]
    return [lines, *numbers_below(at, labels, frame.bottom + 14), *titles]


def _line(series: Series, place: int, count: int, along: Scale, up: Scale, percent: float) -> Markup:
    shift = max(-MAX_SHIFT, min(MAX_SHIFT, DODGE * (place - (count - 1) / 2)))
    xs = [along.at(x) + shift for x in series.x]
    points = [(x, up.at(percent * mean)) for x, mean in zip(xs, series.means, strict=True) if math.isfinite(mean)]
    bars = [
        f"M{number(x)} {number(up.at(percent * low))}V{number(up.at(percent * high))}"
        for i, (x, low, high) in enumerate(zip(xs, series.lows, series.highs, strict=True))
        if low is not None and high is not None and _has_interval(series, i)
    ]
    seeds = [
        element("circle", class_="seed", cx=x + 0.5 * DODGE, cy=up.at(percent * float(value)), r=SEED_RADIUS)
        for x, values in zip(xs, series.values, strict=True)
        for value in values
        if not math.isnan(value)
    ]
    drawn = [path([polyline(points)], "line"), path(bars, "interval"), *seeds]
    return group([*drawn, path([shape(place, *point) for point in points], "point")], class_=class_of(place))
