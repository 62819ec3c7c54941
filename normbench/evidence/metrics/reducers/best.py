"""The best of all recorded steps; the lowest where neither way is better."""

import math

from normbench.evidence.metrics.reducers.base import Recorded, Reducer


class Best(Reducer):
    """The best step of a run."""

    def read(self, recorded: Recorded) -> float:
        """Return the best finite value."""
        return (max if recorded.direction == "higher" else min)(recorded.finite, default=math.nan)
