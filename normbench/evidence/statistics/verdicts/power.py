"""Computes what a number of seeds can find: the effect in standard deviations that is found in four of five studies.

How many seeds the observed effect would need is not computed: an effect that was not found is known too badly.
"""

import math
from functools import cache

import numpy as np

from normbench.evidence.statistics.corrections import ALPHA
from normbench.evidence.statistics.verdicts.ties import FloatArray
from normbench.evidence.statistics.verdicts.typical_seed import lower_bound

POWER = 0.8
NUM_DRAWS = 4000
CHUNK = 200


def findable_effect(n: int, power: float = POWER, alpha: float = ALPHA) -> float:
    """Return the mean difference, in std of the differences, that n seeds find with a probability; inf if none.

    For normal differences: d is found where d + low > 0, low being the lower end of the interval of a sample without
    effect; so d is a quantile of -low, over 4,000 samples that are always the same. Its error is about 0.02.

    Example:
        >>> findable_effect(5), round(findable_effect(8), 1)
        (inf, 1.3)
    """
    return float(np.quantile(-_lower_ends(n, alpha / 2, alpha), power, method="higher"))


def findable_half_width(n: int, power: float = POWER, alpha: float = ALPHA) -> float:
    """Return how far two ends must lie from no effect, in std, for n seeds to find it between them with a probability.

    Of two one-sided tests at alpha, each of which misses in half of the cases that are missed; inf if none.

    Example:
        >>> findable_half_width(4), round(findable_half_width(16), 1)
        (inf, 1.0)
    """
    return float(np.quantile(-_lower_ends(n, alpha, alpha), 1 - (1 - power) / 2, method="higher"))


@cache
def _lower_ends(n: int, rank_level: float, sign_level: float) -> FloatArray:
    if n < 1:
        return np.full(NUM_DRAWS, -math.inf)
    rng = np.random.default_rng(0)
    ends = [lower_bound(rng.normal(size=(CHUNK, n)), rank_level, sign_level) for _ in range(NUM_DRAWS // CHUNK)]
    return np.concatenate(ends)
