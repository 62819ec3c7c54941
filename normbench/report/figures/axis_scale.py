"""Scales an axis to what is drawn: linear or logarithmic, within what the metric can be, ticks in plain numbers."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from normbench.evidence.metrics.bounds import possible_range
from normbench.evidence.metrics.scales import is_accuracy
from normbench.report.blocks.numbers import metric_title
from normbench.report.charts.scales import spans_a_decade

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_DRAWN, SMALLEST_DRAWN = 1e290, 1e-290
ROOM = 0.04
"""Room beyond the outermost point, as a share of the axis."""
MAX_BEYOND = 1.0
"""How far an interval may stretch an axis beyond the points, as a share of their range; the rest is cut off."""
NUM_TICKS = 6
FEW_DECADES = 3
"""Up to so many a logarithmic axis has ticks at 2 and 5 too."""
PER_CENT = 100.0


@dataclass(frozen=True)
class AxisScale:
    """How numbers become places on an axis.

    Attributes:
        label: What is on the axis, with its unit.
        bounds: What the numbers can be.
        factor: What they are multiplied with: 100 for shares in percent.
        is_log: Whether the axis is logarithmic; None where that depends on the numbers.
        neutral: Where "no effect" lies, which is always on the axis; None where there is no such number.
    """

    label: str
    bounds: tuple[float, float] = (-math.inf, math.inf)
    factor: float = 1.0
    is_log: bool | None = None
    neutral: float | None = None

    def drawn(self, value: float | None) -> float:
        """Return the place of a number; nan where it cannot be drawn."""
        scaled = math.nan if value is None else self.factor * value
        return scaled if abs(scaled) <= MAX_DRAWN else math.nan


def metric_scale(metric: str) -> AxisScale:
    """Return the scale of a metric's own values.

    Example:
        >>> metric_scale("test_accuracy").label, metric_scale("test_loss").bounds
        ('test accuracy (%)', (0.0, inf))
    """
    if is_accuracy(metric):
        return AxisScale(f"{metric_title(metric)} (%)", (0.0, PER_CENT), PER_CENT, is_log=False)
    return AxisScale(metric_title(metric), possible_range(metric))


def effect_scale(metric: str, *, is_ratio: bool, against: str) -> AxisScale:
    """Return the scale of effects: ratios around 1, or differences around 0, of accuracies in points."""
    title = metric_title(metric)
    if is_ratio:
        return AxisScale(f"{title}, as a multiple of {against}'s", (0.0, math.inf), is_log=True, neutral=1.0)
    if is_accuracy(metric):
        label = f"{title}, points more than {against}"
        return AxisScale(label, (-PER_CENT, PER_CENT), PER_CENT, is_log=False, neutral=0.0)
    return AxisScale(f"{title}, difference to {against}", is_log=False, neutral=0.0)


def set_scale(axes: "Axes", which: str, scale: AxisScale, points: Sequence[float], ends: Sequence[float]) -> bool:
    """Scale the x or y axis, set limits and ticks; return whether it is logarithmic.

    Args:
        axes: The axes.
        which: "x" or "y".
        scale: What is on the axis.
        points: Places of all points, as ``AxisScale.drawn`` returns them; all lie on the axis.
        ends: Places of the ends of intervals, which may lie beyond it where they are far away.
    """
    known = [point for point in points if math.isfinite(point)]
    is_log = spans_a_decade(known) if scale.is_log is None else scale.is_log
    read = _log10 if is_log else float
    known += [] if scale.neutral is None else [scale.neutral]
    places = [read(point) for point in known if not is_log or point > SMALLEST_DRAWN] or [0.0]
    lowest, highest = (_bound(read, bound) for bound in scale.bounds)
    far = [read(end) for end in ends if math.isfinite(end) and (not is_log or end > SMALLEST_DRAWN)]
    low, high = _limits(places, far, lowest, highest)
    getattr(axes, f"set_{which}scale")("log" if is_log else "linear")
    getattr(axes, f"set_{which}lim")(*((10**low, 10**high) if is_log else (low, high)))
    _set_ticks(axes, which, decades=high - low if is_log else 0.0)
    return is_log


def _log10(value: float) -> float:
    return math.log10(value)


def _bound(read: "type[float] | object", bound: float) -> float:
    """Return a bound's place; a logarithmic axis never reaches 0."""
    if math.isinf(bound):
        return bound
    return -math.inf if bound == 0.0 and read is _log10 else float(read(bound))  # type: ignore[operator]


def _limits(places: Sequence[float], far: Sequence[float], lowest: float, highest: float) -> tuple[float, float]:
    """Return the ends of an axis that holds all places, and of intervals as much as does not squeeze these."""
    low, high = min(places), max(places)
    spread = high - low or max(abs(low), 1.0) * 0.1
    low = max(min([low, *far]), low - MAX_BEYOND * spread)
    high = min(max([high, *far]), high + MAX_BEYOND * spread)
    room = ROOM * (high - low) or spread
    return max(low - room, lowest), min(high + room, highest)


def _set_ticks(axes: "Axes", which: str, *, decades: float) -> None:
    """Set ticks in plain numbers, at powers of ten where a logarithmic axis spans some."""
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

    axis = getattr(axes, f"{which}axis")
    wide = LogLocator(10, subs=(1.0, 2.0, 5.0) if decades < FEW_DECADES else (1.0,), numticks=NUM_TICKS + 2)
    axis.set_major_locator(wide if decades >= 1 else MaxNLocator(NUM_TICKS, steps=[1, 2, 2.5, 5, 10]))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: tick_text(value)))


def tick_text(value: float) -> str:
    """Return a number as it stands beside a tick: with an exponent where it is longer without.

    Example:
        >>> tick_text(0.30000000000000004), tick_text(1e7), tick_text(123456.0), tick_text(0.0001)
        ('0.3', '1e+07', '123456', '0.0001')
    """
    plain, brief = f"{value:.10g}", f"{value:.0e}"
    return brief if float(brief) == value and len(brief) + 1 < len(plain) else plain
