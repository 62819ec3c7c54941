"""Draws lines over steps or over a setting: their means, a band of intervals, and the seeds as dots."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from normbench.report.charts.scales import spans_a_decade
from normbench.report.figures.axis_scale import AxisScale, set_scale
from normbench.report.figures.dots import FEWEST_SEEDS, Seeds, draw_seeds
from normbench.report.figures.looks import Look, Looks
from normbench.report.figures.panels import STEP, Panel, Series

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DODGE = 0.02
"""Between neighbouring lines at the same value of a setting, as a share of the axis."""
NUM_MARKERS = 8
"""Markers on a line over many steps."""
MAX_TICKS = 10
MAX_STEPS_WITH_DOTS = 30


def draw_over_steps(axes: "Axes", panel: Panel, looks: Looks, scale: AxisScale) -> None:
    """Draw a line per arm with its band; below four seeds the seeds themselves at every step."""
    for series in panel.series:
        look, means = looks[series.label], [scale.drawn(mean) for mean in series.means]
        every = max(1, len(means) // NUM_MARKERS)
        dash = look.dash if len(means) > 1 else "none"
        axes.plot(series.x, means, ls=dash, color=look.colour, marker=look.marker, markevery=every, ms=4, lw=1.6)
        if has_band(series):
            lows, highs = (_ends(series, means, scale, which) for which in ("lows", "highs"))
            axes.fill_between(series.x, lows, highs, color=look.colour, alpha=0.15, lw=0)
        elif len(means) <= MAX_STEPS_WITH_DOTS:
            _scatter(axes, series, look, scale)
    _set_steps(axes)


def has_band(series: Series) -> bool:
    """Return whether intervals are drawn of it anywhere."""
    return max(map(len, series.values), default=0) >= FEWEST_SEEDS


def _ends(series: Series, means: Sequence[float], scale: AxisScale, which: str) -> list[float]:
    """Return an end of each interval, the mean itself where there is none or there are too few seeds."""
    ends = zip(means, getattr(series, which), series.values, strict=True)
    return [mean if end is None or len(of) < FEWEST_SEEDS else scale.drawn(end) for mean, end, of in ends]


def _scatter(axes: "Axes", series: Series, look: Look, scale: AxisScale) -> None:
    at = [(x, scale.drawn(value)) for x, of in zip(series.x, series.values, strict=True) for value in of]
    axes.plot([x for x, _ in at], [y for _, y in at], "o", ms=2.5, color=look.colour, alpha=0.5, mew=0, clip_on=False)


def _set_steps(axes: "Axes") -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda step, _: f"{step:.10g}"))
    axes.margins(x=0.02)
    axes.set_xlabel(STEP)
    axes.grid(alpha=0.25, lw=0.6)


def draw_last(axes: "Axes", panel: Panel, looks: Looks, scale: AxisScale) -> None:
    """Draw each arm's seeds at its last step, side by side, in axes that share the y axis."""
    axes.set_xlim(-0.7, len(panel.series) - 0.3)
    axes.set_xticks([])
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    for place, series in enumerate(panel.series):
        if series.x:
            draw_seeds(axes, _seeds_at(series, -1, looks[series.label]), scale, place, 0.9, along="y")
    axes.grid(axis="y", alpha=0.25, lw=0.6)


def draw_over_setting(axes: "Axes", panel: Panel, looks: Looks, scale: AxisScale) -> None:
    """Draw a line per value of the other setting, at each x its seeds and its interval."""
    xs = sorted({x for series in panel.series for x in series.x})
    is_log, reach = spans_a_decade(xs), _reach(xs)
    for place, series in enumerate(panel.series):
        look, aside = looks[series.label], (place - (len(panel.series) - 1) / 2) * DODGE * reach
        moved = [_moved(x, aside, is_log=is_log) for x in series.x]
        means = [scale.drawn(mean) for mean in series.means]
        dash = look.dash if len(means) > 1 else "none"
        axes.plot(moved, means, ls=dash, marker=look.marker, color=look.colour, lw=1.4, ms=5)
        for i, at in enumerate(moved):
            _draw_at(axes, _seeds_at(series, i, look), scale, (at, _moved(at, DODGE * reach / 3, is_log=is_log)))
    _set_setting(axes, xs, is_log=is_log)


def _reach(xs: Sequence[float]) -> float:
    return (math.log(xs[-1] / xs[0]) if spans_a_decade(xs) else xs[-1] - xs[0]) or 1.0


def _moved(x: float, aside: float, *, is_log: bool) -> float:
    return x * math.exp(aside) if is_log else x + aside


def _draw_at(axes: "Axes", seeds: Seeds, scale: AxisScale, places: tuple[float, float]) -> None:
    """Draw an interval at one place and the dots of its seeds at another beside it."""
    at, beside = places
    axes.vlines([at] * bool(seeds.ends(scale)), *_low_high(seeds, scale), color=seeds.look.colour, lw=1.4)
    values = [scale.drawn(value) for value in seeds.values]
    axes.plot([beside] * len(values), values, "o", ms=2.8, color=seeds.look.colour, alpha=0.5, mew=0, clip_on=False)


def _low_high(seeds: Seeds, scale: AxisScale) -> tuple[list[float], list[float]]:
    ends = seeds.ends(scale)
    return ends[:1], ends[1:]


def _seeds_at(series: Series, place: int, look: Look) -> Seeds:
    return Seeds(look, series.values[place], series.means[place], series.lows[place], series.highs[place])


def _set_setting(axes: "Axes", xs: Sequence[float], *, is_log: bool) -> None:
    """Set the x axis: a setting's own values as ticks where they are few, logarithmic if they span a decade."""
    from matplotlib.ticker import FuncFormatter

    if is_log:
        axes.set_xscale("log")
    if len(xs) <= MAX_TICKS:
        axes.set_xticks(xs, [f"{x:g}" for x in xs])
    else:
        axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    axes.minorticks_off()
    axes.grid(alpha=0.25, lw=0.6)


def set_values(axes: "Axes", panels: Sequence[Panel], scale: AxisScale) -> None:
    """Scale the y axis to the means and seeds of panels that share it."""
    series = [one for panel in panels for one in panel.series]
    points = [scale.drawn(value) for one in series for of in (one.means, *one.values) for value in of]
    ends = [scale.drawn(end) for one in filter(has_band, series) for of in (one.lows, one.highs) for end in of]
    set_scale(axes, "y", scale, points, ends)
