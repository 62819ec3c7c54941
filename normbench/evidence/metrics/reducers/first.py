"""The first recorded finite value, at step 0 as a rule."""

import math

from normbench.evidence.metrics.reducers.base import Recorded, Reducer


class First(Reducer):
    """The beginning of a run."""

    def read(self, recorded: Recorded) -> float:
        """Return the first finite value."""
        return recorded.finite[0] if recorded.finite else math.nan
