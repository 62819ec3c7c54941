"""Computes the chance that a study which is undecided now decides at a later check, if the trend so far goes on."""

import math

import numpy as np
import numpy.typing as npt

from normbench.evidence.statistics.verdicts.walsh_search import averages_of_sample


def conditional_power(differences: npt.ArrayLike, margin: float, later_n: int, level: float) -> float:
    """Return the chance of a verdict after later_n seeds, on the side that leads now, if the trend so far goes on.

    With z the standardized signed ranks now, t = n / later_n and b the bound of the level:
    Phi((z / sqrt(t) - b) / sqrt(1 - t)). It advises and decides nothing: to stop for want of hope costs no error.

    Args:
        differences: The paired differences of the n seeds so far.
        margin: The margin of the verdict.
        later_n: Number of seeds at the later check, more than n.
        level: Level of that check.

    References:
        Lan and Wittes (1988), The B-value: a tool for monitoring data, Biometrics 44(2).
    """
    from scipy.special import ndtr, ndtri

    n = np.shape(differences)[-1]
    if not 0 < n < later_n:
        raise ValueError(f"later_n: must be more than the {n} seeds so far, and these one or more, got {later_n}.")
    share, bound = n / later_n, -float(ndtri(level / 2))
    leading = abs(standardized_ranks(differences, margin))
    return float(ndtr((leading / math.sqrt(share) - bound) / math.sqrt(1 - share)))


def standardized_ranks(differences: npt.ArrayLike, margin: float) -> float:
    """Return z = (T+ - T-) / 2 over its standard deviation under the null, sqrt(n (n + 1) (2n + 1) / 24).

    Example:
        >>> round(standardized_ranks([1.0, 2.0, 3.0, 4.0], 0.0), 3)  # 5 / sqrt(7.5)
        1.826
    """
    n = np.shape(differences)[-1]
    above, below = averages_of_sample(np.asarray(differences, dtype=np.float64)).counts_beyond(margin)
    return float(above - below) / 2 / math.sqrt(n * (n + 1) * (2 * n + 1) / 24)
