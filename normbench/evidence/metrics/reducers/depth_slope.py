"""The slope of a statistic's logarithm per hidden layer, at the last recorded step, as of activation.std."""

import math

from normbench.evidence.metrics.column_kinds import Direction
from normbench.evidence.metrics.reducers.base import Recorded, Reducer
from normbench.evidence.statistics.trends import log_slope


class DepthSlope(Reducer):
    """Whether outputs or output gradients grow or vanish through the layers."""

    over_layers = True
    is_of_column = False

    def read(self, recorded: Recorded) -> float:
        """Return the least-squares slope of ln(statistic) over the hidden layers."""
        last = {layer: steps[-1][1] for layer, steps in recorded.of_layers().items()}
        slope = log_slope([last.get(layer, math.nan) for layer in recorded.hidden_layers])
        return math.nan if slope is None else slope

    def direction(self, column: str) -> Direction | None:
        """Return None: growing is no better than vanishing."""
        return None

    def is_ratio(self, column: str) -> bool:
        """Return False: a slope may be of either sign."""
        return False
