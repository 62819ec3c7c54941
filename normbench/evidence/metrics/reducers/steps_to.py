"""The first recorded step that reaches the value; the whole length of the run if none does."""

import math

from normbench.evidence.metrics.column_kinds import Direction
from normbench.evidence.metrics.reducers.base import Recorded, Reducer


class StepsTo(Reducer):
    """How fast a run gets somewhere."""

    takes = "VALUE"
    is_of_column = False
    is_step = True

    def read(self, recorded: Recorded) -> float:
        """Return the first step whose value is VALUE or better."""
        if not recorded.steps:
            return math.nan
        there = (step for step, value in recorded.steps if self._reaches(value, recorded))
        return float(next(there, recorded.total_steps))

    def direction(self, column: str) -> Direction | None:
        """Return "lower": fewer steps are better, whatever the column."""
        return "lower"

    def is_ratio(self, column: str) -> bool:
        """Return True: twice as fast."""
        return True

    def read_diverged(self, recorded: Recorded) -> float:
        """Return the whole length: it never got there for good."""
        return float(recorded.total_steps)

    def _reaches(self, value: float, recorded: Recorded) -> bool:
        return value >= self.argument if recorded.direction == "higher" else value <= self.argument
