"""The largest finite value after a step."""

import math

from normbench.evidence.metrics.reducers.base import Recorded, Reducer


class MaxAfter(Reducer):
    """The height of a surge, without the run's beginning."""

    takes = "STEP"

    def read(self, recorded: Recorded) -> float:
        """Return the largest value at a later step than STEP."""
        later = (value for step, value in recorded.steps if step > self.argument and math.isfinite(value))
        return max(later, default=math.nan)
