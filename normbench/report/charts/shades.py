"""Shades: sorts numbers of many sizes into nine shades by their powers of ten, and draws the bar that tells them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from normbench.report.charts.axes import DIGIT, LINE, numbers_below, width_of, words_at
from normbench.report.charts.scales import power_text
from normbench.report.charts.svg import Markup, box, path

NUM_SHADES = 9
ZERO, LOST = "zero", "lost-cell"
"""Shades of a number that is 0, and of one that is not finite."""
FARTHEST, WIDEST = 6.0, 12.0
"""Powers of ten away from 1, and from the largest number, beyond which all have the same shade."""
LEAST = 1.0
BAR_HEIGHT, BAR_WIDTH = 10.0, 252.0


@dataclass(frozen=True)
class Shades:
    """Nine shades.

    Attributes:
        low: log10 of the smallest number of the first shade.
        high: log10 of the largest number of the last.
        kind: "d" for two colours that meet at 1, "q" for one that grows.
        is_open: Whether there are numbers below the first shade and above the last, which have these too.
    """

    low: float
    high: float
    kind: str
    is_open: tuple[bool, bool] = (False, False)

    def of(self, value: float) -> str:
        """Return the shade of a number, as a class; "" for nan.

        Example:
            >>> shades = Shades(-3.0, 3.0, "d")
            >>> [shades.of(value) for value in (1e-9, 0.5, 1.0, 1e9, 0.0, math.inf, math.nan)]
            ['d0', 'd4', 'd4', 'd8', 'zero', 'lost-cell', '']
        """
        if math.isnan(value):
            return ""
        if value <= 0 or value == math.inf:
            return ZERO if value <= 0 else LOST
        share = (math.log10(value) - self.low) / (self.high - self.low)
        return f"{self.kind}{min(NUM_SHADES - 1, max(0, math.floor(NUM_SHADES * share)))}"

    def ends(self) -> list[float]:
        """Return the number at which each shade begins, and that at which the last ends."""
        return [10 ** (self.low + (self.high - self.low) * i / NUM_SHADES) for i in range(NUM_SHADES + 1)]


def around_one(values: Sequence[float]) -> Shades:
    """Return shades of numbers that should be near 1, as far on either side as they go, at most a millionfold."""
    logs = _logs(values)
    far = max([LEAST, *(abs(one) for one in logs)])
    reach = min(FARTHEST, far)
    return Shades(-reach, reach, "d", (min(logs, default=0.0) < -reach, max(logs, default=0.0) > reach))


def growing(values: Sequence[float]) -> Shades:
    """Return shades from the smallest number to the largest, over twelve powers of ten at most."""
    logs = _logs(values) or [0.0]
    high = max(logs)
    low = max(min(logs), high - WIDEST)
    missing = max(0.0, LEAST - (high - low)) / 2
    return Shades(low - missing, high + missing, "q", (min(logs) < low, False))


def shade_bar(shades: Shades, used: Sequence[str], left: float, top: float) -> list[Markup]:
    """Return the nine shades side by side with numbers below; behind them those of 0 and of no number, where used."""
    width = BAR_WIDTH / NUM_SHADES
    boxes = [
        path([box(left + width * i, top, left + width * (i + 1), top + BAR_HEIGHT)], f"{shades.kind}{i}")
        for i in range(NUM_SHADES)
    ]
    shown = list(range(0, NUM_SHADES + 1, 3))
    ends = shades.ends()
    words = [power_text(ends[i]) for i in shown]
    words[0] = "≤ " * shades.is_open[0] + words[0]
    words[-1] = "≥ " * shades.is_open[1] + words[-1]
    numbers = numbers_below([left + width * i for i in shown], words, top + BAR_HEIGHT + 13)
    return [*boxes, *numbers, *_others(used, left + BAR_WIDTH + 12, top)]


def bar_height() -> float:
    """Return the height of the bar with its numbers."""
    return BAR_HEIGHT + LINE + 6


def _others(used: Sequence[str], x: float, top: float) -> list[Markup]:
    found = []
    for shade, words in ((ZERO, "0"), (LOST, "not finite")):
        if shade in used:
            found.append(path([box(x, top, x + BAR_HEIGHT, top + BAR_HEIGHT)], shade))
            found.append(words_at(x + BAR_HEIGHT + 4, top + BAR_HEIGHT, words, "tick"))
            x += BAR_HEIGHT + 12 + width_of(words, DIGIT)
    return found


def _logs(values: Sequence[float]) -> list[float]:
    return [math.log10(value) for value in values if 0 < value < math.inf]
