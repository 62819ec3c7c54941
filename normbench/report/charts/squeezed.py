"""Squeezed: an axis around 0 for numbers of many sizes and both signs, linear near 0 and logarithmic far from it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from normbench.report.charts.scales import Scale, spanning

UNEVEN = 20.0
"""How many times wider the widest of several ranges must be than the narrowest for a squeezed axis."""


@dataclass(frozen=True)
class Squeezed:
    """An axis of asinh(value / knee).

    Attributes:
        knee: The number around which it turns from linear to logarithmic.
        inner: The axis of the asinh.
    """

    knee: float
    inner: Scale

    def at(self, value: float) -> float:
        """Return the coordinate of a number."""
        return self.inner.at(math.asinh(value / self.knee))

    def ticks(self) -> list[float]:
        """Return 0 and the largest power of ten on either side, where they lie on the axis."""
        ends = [self.knee * math.sinh(end) for end in (self.inner.low, self.inner.high)]
        powers = [math.copysign(float(f"1e{math.floor(math.log10(abs(end)))}"), end) for end in ends if end]
        return sorted({0.0, *powers}) if ends[0] <= 0 <= ends[1] else sorted(set(powers))


def squeezed(values: Sequence[float], widths: Sequence[float], start: float, end: float) -> Scale | Squeezed:
    """Return the axis of numbers, squeezed where the ranges that it holds have very different widths.

    Args:
        values: The numbers to hold.
        widths: Widths of the ranges.
        start: Coordinate of its start.
        end: Coordinate of its end.
    """
    wide = sorted(width for width in widths if 0 < width < math.inf)
    if not wide or wide[-1] / UNEVEN < wide[0]:
        return spanning(values, start, end, is_log=False)
    knee = wide[0]
    return Squeezed(knee, spanning([math.asinh(value / knee) for value in values], start, end, is_log=False))
