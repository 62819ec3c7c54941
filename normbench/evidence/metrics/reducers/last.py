"""The value at the last recorded step; the same as no word."""

from normbench.evidence.metrics.reducers.base import Recorded, Reducer


class Last(Reducer):
    """The end of a run."""

    def read(self, recorded: Recorded) -> float:
        """Return the last value, whatever it is."""
        return recorded.last

    def read_diverged(self, recorded: Recorded) -> float:
        """Return the last finite value, or the constant predictor's if that is worse."""
        return recorded.worst(recorded.finite[-1:])
