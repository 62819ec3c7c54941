"""The value of a setting from which on the first of two arms is not behind the second: where their lines cross.

Between two values it is interpolated on the setting's logarithm. Half the smallest value if the first arm is ahead at
both ends of the setting, twice the largest if it is behind at the largest.
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import ClassVar

from normbench.evidence.metrics.group_reducers.base import Group, GroupReducer


class Crossing(GroupReducer):
    """From which batch size on one norm keeps up with another."""

    num_lines: ClassVar[int] = 2

    def read(self, group: Group) -> float:
        """Return the middle one where noise makes them cross several times; nan where a value is not finite."""
        settings, leads = _leads(group)
        if settings[0] <= 0 or not all(map(math.isfinite, leads)):
            return math.nan
        if leads[-1] < 0:
            return 2 * settings[-1]
        if leads[0] >= 0:
            return settings[0] / 2
        crossings = _crossings(settings, leads)
        return crossings[len(crossings) // 2]


def _leads(group: Group) -> tuple[list[float], list[float]]:
    """Return the values of the setting, the smallest first, and by how much the first arm is ahead at each."""
    sign = 1 if group.direction == "higher" else -1
    by_setting: dict[float, list[float]] = {}
    for setting, value in zip(group.settings, group.values, strict=True):
        by_setting.setdefault(setting, []).append(sign * float(value))
    settings = sorted(by_setting)
    return settings, [first - second for first, second in map(by_setting.__getitem__, settings)]


def _crossings(settings: Sequence[float], leads: Sequence[float]) -> list[float]:
    """Return where the lead changes its sign; an odd number, as it is behind at the first value and not at the last."""
    found = []
    for (low, before), (high, after) in pairwise(zip(settings, leads, strict=True)):
        if (before < 0) is not (after < 0):
            found.append(low * (high / low) ** (before / (before - after)))
    return found
