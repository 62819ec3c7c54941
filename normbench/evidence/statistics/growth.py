"""How a scale grows per layer: the slope of ln std over depth by least squares, with its 95 % interval."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from normbench.evidence.statistics.paired import exp, mean_and_half_width, student

FAR = 1000.0
"""Vanishing and exploding: this many times below or above the first layer's."""
NEAR = 2.0
"""Steady: the end within this factor of the start."""
FEWEST_LAYERS = 3
"""With two points a line has no interval."""
SMALLEST = 1e-30
"""A std below it stands for numbers that float32 has begun to round to 0 (its least normal one is 1.2e-38)."""
FAINT = 1e-15
"""From a std below it a few more layers of shrinking may lead to nothing; from one above it, a single fault does."""


@dataclass(frozen=True)
class Spread:
    """A std over seeds: its geometric mean, and the ends of Student's 95 % interval of ln std; None with one seed."""

    value: float
    low: float | None = None
    high: float | None = None

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Summarize one std per seed; where a seed has 0, so has the mean, and where one is not finite, it is not.

        Example:
            >>> Spread.of([0.5, 2.0]).value, Spread.of([0.5]), Spread.of([0.5, 0.0]).value
            (1.0, Spread(value=0.5, low=None, high=None), 0.0)
        """
        if not values or not all(map(math.isfinite, values)):
            return cls(math.nan)
        if min(values) <= 0:
            return cls(0.0)
        mean, half = mean_and_half_width([math.log(value) for value in values])
        return cls(exp(mean), exp(mean - half), exp(mean + half)) if len(values) > 1 else cls(values[0])


@dataclass(frozen=True)
class Growth:
    """By what factor a std grows from each layer to the next.

    Attributes:
        factor: e to the slope of ln std over depth; over several seeds to the mean of their slopes.
        low: Lower end of its 95 % interval: Student's over the seeds' slopes, of one seed that of its regression.
        high: Upper end.
        num_layers: Layers in the fit, of the seed that has most.
        num_seeds: Seeds with a fit.
    """

    factor: float
    low: float
    high: float
    num_layers: int
    num_seeds: int

    @property
    def word(self) -> str:
        """What becomes of the scale over all the layers: steady, grows, shrinks, explodes or vanishes."""
        total = (self.num_layers - 1) * math.log(self.factor)
        if abs(total) <= math.log(NEAR):
            return "steady"
        if abs(total) <= math.log(FAR):
            return "grows" if total > 0 else "shrinks"
        return "explodes" if total > 0 else "vanishes"


def growth_per_layer(stds: Sequence[Sequence[float]]) -> Growth | None:
    """Fit ln std over depth; None where no seed has three layers with a std that float32 can tell.

    Args:
        stds: Per seed one std per layer, in the order in which the signal passes them.
    """
    fits = [fit for fit in map(_fit, stds) if fit]
    if not fits:
        return None
    slopes = [slope for slope, _, _ in fits]
    mean, half = mean_and_half_width(slopes) if len(fits) > 1 else fits[0][:2]
    num_layers = max(count for _, _, count in fits)
    return Growth(exp(mean), exp(mean - half), exp(mean + half), num_layers, len(fits))


def _fit(stds: Sequence[float]) -> tuple[float, float, int] | None:
    """Return slope, half the width of its 95 % interval (normal errors, n - 2 degrees), and the points fitted."""
    points = [(float(i), math.log(std)) for i, std in enumerate(stds) if math.isfinite(std) and std > SMALLEST]
    if len(points) < FEWEST_LAYERS:
        return None
    x, y = zip(*points, strict=True)
    slope, intercept = statistics.linear_regression(x, y)
    residual = math.fsum((b - slope * a - intercept) ** 2 for a, b in points) / (len(points) - 2)
    spread = math.fsum((a - statistics.fmean(x)) ** 2 for a in x)
    return slope, student(len(points) - 2) * math.sqrt(residual / spread), len(points)
