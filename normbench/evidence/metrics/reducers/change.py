"""The last value over the first finite one."""

import math

from normbench.evidence.metrics.column_kinds import Direction, column_direction
from normbench.evidence.metrics.reducers.base import Recorded, Reducer


class Change(Reducer):
    """The factor between a run's beginning and its end."""

    is_of_column = False

    def read(self, recorded: Recorded) -> float:
        """Return last / first; nan where the first is 0."""
        return _over_first(recorded.last, recorded)

    def direction(self, column: str) -> Direction | None:
        """Return None: a small factor may come from a bad beginning."""
        return None

    def better_way(self, column: str) -> Direction | None:
        """Return the column's way."""
        return column_direction(column)

    def is_ratio(self, column: str) -> bool:
        """Return True: a factor is compared with a factor."""
        return True

    def read_diverged(self, recorded: Recorded) -> float:
        """Return worst / first."""
        return _over_first(recorded.worst(recorded.finite), recorded)


def _over_first(value: float, recorded: Recorded) -> float:
    return value / recorded.finite[0] if recorded.finite and recorded.finite[0] else math.nan
