"""Scale: numbers to coordinates, on a linear or a logarithmic axis, with ticks at round numbers."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

DECADE = 10.0
ROOM = 0.04
"""Share of the axis that stays free on either side, where the numbers can go on there."""
FINEST = 1e-9
"""Smallest span of an axis, as a share of its numbers: below it floats have no digits left for ticks."""
ROUND = (1.0, 2.0, 5.0, 10.0)
MANY_DECADES = 2
MAX_TICKS = 5
FEWEST_TICKS = 3
"""Of fewer on a linear axis a finer step is taken, as two numbers tell little of an axis that goes far beyond them."""
LARGEST = 1e300
"""Numbers beyond it, and on a logarithmic axis those below its inverse, lie at the axis's end."""
MOST_DIGITS = 10
ANYTHING = (-math.inf, math.inf)


@dataclass(frozen=True)
class Scale:
    """An axis.

    Attributes:
        low: The number at its start.
        high: The number at its end, above ``low``.
        start: Coordinate of ``low``.
        end: Coordinate of ``high``; below ``start`` on an axis that points up.
        is_log: Whether it is logarithmic.
    """

    low: float
    high: float
    start: float
    end: float
    is_log: bool = False

    def at(self, value: float) -> float:
        """Return the coordinate of a number; one beyond an end is put there, also inf.

        Example:
            >>> axis = Scale(0.1, 10.0, 0.0, 100.0, is_log=True)
            >>> round(axis.at(1.0)), axis.at(0.0), axis.at(math.inf)
            (50, 0.0, 100.0)
        """
        if value <= self.low:
            return self.start
        if value >= self.high:
            return self.end
        low, high, inner = (math.log(one) if self.is_log else one / 2 for one in (self.low, self.high, value))
        return self.start + (inner - low) / (high - low) * (self.end - self.start)

    def holds(self, value: float) -> bool:
        """Return whether a number lies on the axis."""
        return self.low <= value <= self.high

    def ticks(self, most: int = MAX_TICKS, fewest: int = FEWEST_TICKS) -> list[float]:
        """Return round numbers on the axis, at most about ``most``; on a linear one more where they were too few.

        Example:
            >>> Scale(0.0, 1.0, 0, 1).ticks(), Scale(0.002, 3.0, 0, 1, is_log=True).ticks()
            ([0.0, 0.2, 0.4, 0.6, 0.8, 1.0], [0.01, 0.1, 1.0])
            >>> Scale(0.4, 3.0, 0, 1, is_log=True).ticks()
            [0.5, 1.0, 2.0]
            >>> Scale(-3.7, 2.0, 0, 1).ticks()
            [-2.0, 0.0, 2.0]
        """
        found = _decades(self.low, self.high, most) if self.is_log else []
        if len(found) > 1:
            return found
        found = _multiples(self.low, self.high, most)
        return found if len(found) >= fewest else _multiples(self.low, self.high, 2 * most)


def spanning(
    values: Sequence[float],
    start: float,
    end: float,
    *,
    possible: tuple[float, float] = ANYTHING,
    is_log: bool | None = None,
) -> Scale:
    """Return the axis that holds all finite numbers, with a little room, and nothing that is impossible.

    Args:
        values: The numbers to hold.
        start: Coordinate of the axis's start.
        end: Coordinate of its end.
        possible: The smallest and the largest possible number; where a value lies outside, nothing is taken from it.
        is_log: Whether it is logarithmic; None where numbers that span more than a decade make it so.
    """
    known = [max(-LARGEST, min(LARGEST, value)) for value in values if math.isfinite(value)]
    if is_log is None:
        is_log = spans_a_decade(known)
    known = [value for value in known if value > 0] if is_log else known
    if not known:
        low, high = (0.1, 10.0) if is_log else (0.0, 1.0)
        return Scale(low, high, start, end, is_log)
    low, high = _with_room(min(known), max(known), is_log=is_log)
    lowest, highest = possible
    low = max(low, lowest) if min(known) >= lowest and not is_log else low
    high = min(high, highest) if max(known) <= highest else high
    return Scale(low, high, start, end, is_log)


def spans_a_decade(values: Iterable[float]) -> bool:
    """Return whether numbers need a logarithmic axis: all positive, and the largest over ten times the smallest.

    Example:
        >>> spans_a_decade([2, 32]), spans_a_decade([2, 20]), spans_a_decade([0.0, 1.0])
        (True, False, False)
    """
    known = [value for value in values if math.isfinite(value)]
    return bool(known) and min(known) > 0 and max(known) / DECADE > min(known)


def power_text(value: float) -> str:
    """Return a number with two digits, short also where it is very large or small.

    Example:
        >>> power_text(100.0), power_text(0.0123), power_text(1.4e8), power_text(1e-6), power_text(-0.00002)
        ('100', '0.012', '1.4e8', '1e-6', '-2e-5')
    """
    if value == 0 or 1e-3 <= abs(value) < 1e4:
        return f"{float(f'{value:.2g}'):g}"
    return _short_power(f"{value:.1e}")


def tick_text(value: float, step: float) -> str:
    """Return a tick's number with the digits that tell it from the next one.

    Example:
        >>> tick_text(0.2, 0.1), tick_text(10000, 2000), tick_text(1e-5, 9e-5), tick_text(2e7, 1e7)
        ('0.2', '10,000', '1e-5', '2e7')
    """
    size = abs(value)
    if size and (size < 1e-3 or size >= 1e6):
        digits = max(0, _power(size) - _power(step))
        return _short_power(f"{value:.{min(digits, MOST_DIGITS)}e}")
    decimals = max(0, -math.floor(math.log10(step) + 1e-9)) if step < 1 else 0
    return f"{value:,.{min(decimals, MOST_DIGITS)}f}"


def tick_texts(ticks: Sequence[float], *, is_log: bool = False) -> list[str]:
    """Return the numbers of an axis's ticks, all with the same decimals but on a logarithmic axis.

    Example:
        >>> tick_texts([0.01, 0.1, 1.0], is_log=True), tick_texts([0.98, 1.0, 1.02], is_log=True)
        (['0.01', '0.1', '1'], ['0.98', '1.00', '1.02'])
    """
    gaps = [after - before for before, after in pairwise(ticks)]
    if is_log and (not gaps or ticks[0] * 1.9 < ticks[1]):
        return [power_text(tick) for tick in ticks]
    step = min(gaps, default=abs(ticks[0]) or 1.0) if ticks else 1.0
    return [tick_text(tick, step) for tick in ticks]


def _power(value: float) -> int:
    return math.floor(math.log10(value) + 1e-9)


def _short_power(words: str) -> str:
    """Return 1.50e-07 as 1.5e-7."""
    digits, _, power = words.partition("e")
    return f"{digits.rstrip('0').rstrip('.') if '.' in digits else digits}e{int(power)}"


def _with_room(low: float, high: float, *, is_log: bool) -> tuple[float, float]:
    if is_log:
        room = max(ROOM * (math.log(high) - math.log(low)), 0.05)
        room = min(room, 10.0)
        return max(low * math.exp(-room), 1 / LARGEST), max(high * math.exp(room), 2 / LARGEST)
    least = FINEST * max(abs(low), abs(high)) or 0.5
    room = max(ROOM * (high / 2 - low / 2) * 2, 0.05 * max(abs(low), abs(high)) if low == high else 0.0, least)
    return low - room, high + room


def _decades(low: float, high: float, most: int) -> list[float]:
    """Return powers of ten; with fewer than two of them also 2 and 5 times each."""
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    if last - first >= MANY_DECADES - 1:
        step = max(1, math.ceil((last - first + 1) / most))
        return [float(f"1e{power}") for power in range(-(-first // step) * step, last + 1, step)]
    powers = range(first - 1, last + 2)
    fine = [float(f"{round_:.0f}e{power}") for power in powers for round_ in ROUND[:-1]]
    return [tick for tick in fine if low <= tick <= high]


def _multiples(low: float, high: float, most: int) -> list[float]:
    step = _round_step((high / most) - (low / most))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [_rounded(k * step, step) + 0.0 for k in range(first, last + 1)]


def _round_step(rough: float) -> float:
    power = math.floor(math.log10(rough))
    size = next(size for size in ROUND if size * (1 + 1e-9) >= rough / float(f"1e{power}"))
    return float(f"{size:.0f}e{power}")


def _rounded(value: float, step: float) -> float:
    """Return a multiple of a step without the rounding error of the product."""
    return float(f"{value:.12g}") if abs(value) >= step / 2 else 0.0
