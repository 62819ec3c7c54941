"""Computes how likely a random walk is to leave its bounds at each of several looks: the law of repeated tests.

A test statistic of the first n seeds is, for all n at once, nearly a Brownian motion at time n: a sum of n independent
normal steps. The density of walks that were never outside before is carried from look to look by integration.
"""

import math
from functools import cache

import numpy as np

from normbench.evidence.statistics.verdicts.ties import FloatArray

NUM_POINTS = 200
"""Enough for looks at every seed up to about a thousand."""


class StoppedWalk:
    """A random walk that is looked at now and then, and stops when it is outside its bounds.

    References:
        Armitage, McPherson and Rowe (1969), Repeated significance tests on accumulating data, J. Royal Statistical
        Society A 132(2).

    Example:
        >>> walk = StoppedWalk()
        >>> walk.look(1)
        >>> walk.stop(0.05)
        >>> walk.look(2)
        >>> round(walk.leaving(0.05), 4)  # two tests at 5 % have 8.3 % in all
        0.0331
    """

    def __init__(self) -> None:
        self._points: FloatArray = np.zeros(1)
        self._masses: FloatArray = np.ones(1)
        self._stopped_at = 0.0
        self._time = 0.0

    def look(self, time: float) -> None:
        """Let the walk go on to a later time, in seeds; a look that stops nothing changes nothing."""
        self._time = time

    def leaving(self, level: float) -> float:
        """Return the probability to be outside now, and never before, if outside means a two-sided p <= level."""
        from scipy.special import ndtr

        bound = _quantile(level) * math.sqrt(self._time)
        tails = ndtr((-bound - self._points) / self._step_std) + ndtr((self._points - bound) / self._step_std)
        return float(self._masses @ tails)

    def stop(self, level: float) -> None:
        """Stop the walks that are outside."""
        bound = _quantile(level) * math.sqrt(self._time)
        nodes, weights = _legendre()
        points = nodes * bound
        steps = (points[:, None] - self._points) / self._step_std
        densities = np.exp(-(steps**2) / 2) @ self._masses / (self._step_std * math.sqrt(2 * math.pi))
        self._points, self._masses = points, densities * weights * bound
        self._stopped_at = self._time

    @property
    def _step_std(self) -> float:
        return math.sqrt(self._time - self._stopped_at)


def _quantile(level: float) -> float:
    """Return the b with P(|Z| >= b) = level."""
    from scipy.special import ndtri

    return float(-ndtri(level / 2))


@cache
def _legendre() -> tuple[FloatArray, FloatArray]:
    nodes, weights = np.polynomial.legendre.leggauss(NUM_POINTS)
    return nodes, weights
