"""Fits the growth of a std per layer: the slope of ln std over depth by least squares, with its 95 % interval."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from normbench.evidence.statistics.student import exp, mean_and_half_width, student

FAR = 1000.0
"""Factor below or above the first layer's std at which a signal vanishes or explodes."""
NEAR = 2.0
"""Factor between start and end within which a std is steady."""
FEWEST_LAYERS = 3
"""A line through two points has no interval."""
SMALLEST = 1e-30
"""Numbers with a smaller std are partly rounded to 0 by float32, whose smallest normal number is 1.2e-38."""
FAINT = 1e-15
"""From a std below it a few more shrinking layers may lead to 0; from one above it, only a single fault does."""


@dataclass(frozen=True)
class Spread:
    """Geometric mean of a std over seeds, and the ends of Student's 95 % interval of ln std; None with one seed.

    Attributes:
        value: The mean.
        low: Lower end of the interval.
        high: Upper end of the interval.
    """

    value: float
    low: float | None = None
    high: float | None = None

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Summarize one std per seed; the mean is 0 if a seed has 0, and nan if a seed is not finite.

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
    """The factor by which a std grows from each layer to the next.

    Attributes:
        factor: exp of the slope of ln std over depth; with several seeds, of the mean of their slopes.
        low: Lower end of its 95 % interval: Student's over the seeds' slopes; with one seed, that of the regression.
        high: Upper end of the interval.
        num_layers: Number of layers in the fit, of the seed that has most.
        num_seeds: Number of seeds with a fit.
    """

    factor: float
    low: float
    high: float
    num_layers: int
    num_seeds: int

    @property
    def word(self) -> str:
        """The word for the growth over all layers: steady, grows, shrinks, explodes or vanishes."""
        total = (self.num_layers - 1) * math.log(self.factor)
        if abs(total) <= math.log(NEAR):
            return "steady"
        if abs(total) <= math.log(FAR):
            return "grows" if total > 0 else "shrinks"
        return "explodes" if total > 0 else "vanishes"


def growth_per_layer(stds: Sequence[Sequence[float]]) -> Growth | None:
    """Fit ln std over depth; return None where no seed has three layers with a std above SMALLEST.

    Args:
        stds: One std per layer for each seed, in the order of the signal.
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
