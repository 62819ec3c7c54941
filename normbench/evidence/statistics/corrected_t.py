"""Corrected resampled t: tests a mean over splits of the same rows, whose training and test rows overlap.

Two splits of one data set share rows, so their results are alike, and the mean of S of them is known less well than
that of S independent ones. Its variance is taken as (1/S + n_test/n_train) s^2 in place of s^2 / S, with s^2 the
variance of the S numbers, S - 1 in its denominator; the t has S - 1 degrees of freedom.

The factor's second part, the overlap, is r / (1 - r) for numbers that are correlated by r between two splits. For what
is read on test rows r = n_test / (n_test + n_train) is an approximation, whatever the learners are: where they depend
less on the rows that they share, the test finds less than there is. For what training rows alone decide r is at most
the part of them that two training sets share, n_train / N on average (Hoeffding, 1948), so that the overlap is
n_train / (N - n_train).

References:
    Nadeau and Bengio (2003), Inference for the generalization error, Machine Learning 52.
    Bouckaert and Frank (2004), Evaluating the replicability of significance tests for comparing learning algorithms,
    PAKDD: the same factor for repeated folds.
    Hoeffding (1948), A class of statistics with asymptotically normal distribution, Annals of Mathematical Statistics
    19: functions of samples that share a part of their members are correlated by at most this part.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from normbench.evidence.statistics.corrections import ALPHA
from normbench.evidence.statistics.verdicts.ties import RELATIVE, FloatArray

FEWEST_SPLITS = 6
"""With fewer splits their spread is known too badly for a verdict; and fewer seeds do not count as asked for."""


@dataclass(frozen=True)
class CorrectedT:
    """What some splits say about other splits of new rows of the same kind.

    Attributes:
        num_splits: Number of splits.
        value: Mean over the splits; nan where a number is not finite.
        low: Lower end of its interval.
        high: Upper end of it.
        p_above: One-sided p of "the mean is above the margin".
        p_below: One-sided p of "it is below".
        p: Two-sided p.
    """

    num_splits: int
    value: float
    low: float
    high: float
    p_above: float
    p_below: float
    p: float


def corrected_t(
    differences: npt.ArrayLike,
    overlap: float,
    margin: float = 0.0,
    alpha: float = ALPHA,
    least_spread: float = 0.0,
) -> CorrectedT:
    """Test the mean of one sample against a margin, in both directions.

    Args:
        differences: Shape (S,), one per split.
        overlap: n_test / n_train for what is read on test rows; n_train / (N - n_train) for what training rows decide.
        margin: What the mean is compared with.
        alpha: Level of the interval.
        least_spread: What the standard deviation over the splits is taken for at least: of numbers of few values, which
            may be the same in all splits by chance.

    Example:
        >>> found = corrected_t([0.02, 0.05, 0.01, 0.04, 0.03, 0.02, 0.06, 0.01], overlap=1 / 7)
        >>> found.num_splits, round(found.value, 9), round(found.low, 6), round(found.high, 6), round(found.p, 6)
        (8, 0.03, 0.007339, 0.052661, 0.016598)
    """
    values = np.asarray(differences, dtype=np.float64)
    above, below = (float(p) for p in corrected_p(values, overlap, margin, least_spread))
    return CorrectedT(
        num_splits=values.shape[-1],
        value=float(values.mean()) if values.size and np.isfinite(values).all() else math.nan,
        low=float(lower_bound(values, overlap, alpha / 2, least_spread)),
        high=float(upper_bound(values, overlap, alpha / 2, least_spread)),
        p_above=above,
        p_below=below,
        p=min(1.0, 2 * min(above, below)),
    )


def corrected_p(
    differences: npt.ArrayLike, overlap: float, margin: float = 0.0, least_spread: float = 0.0
) -> tuple[FloatArray, FloatArray]:
    """Return the one-sided p for "above the margin", and for "below"; (..., S) to (...).

    Both are 1 where nothing can be said: of fewer than two splits, of a number that is not finite, and where all splits
    lie on the margin.
    """
    from scipy.special import stdtr  # without scipy.stats, which takes a second to import

    values = np.asarray(differences, dtype=np.float64)
    middle, error = _mean_and_error(values, overlap, least_spread)
    gap = middle - margin
    gap = np.where(np.abs(gap) <= RELATIVE * _largest(values), 0.0, gap)  # rounding must not break a tie
    with np.errstate(divide="ignore", invalid="ignore"):
        t = gap / error
    degrees = max(1, values.shape[-1] - 1)
    above, below = (np.where(np.isnan(t), 1.0, stdtr(degrees, side)) for side in (-t, t))
    return above, below


def lower_bound(differences: npt.ArrayLike, overlap: float, level: float, least_spread: float = 0.0) -> FloatArray:
    """Return the end below which the mean is with at most ``level``, one-sided; -inf where nothing can be said."""
    from scipy.special import stdtrit

    values = np.asarray(differences, dtype=np.float64)
    middle, error = _mean_and_error(values, overlap, least_spread)
    end = middle - stdtrit(max(1, values.shape[-1] - 1), 1 - level) * error
    bound: FloatArray = np.where(np.isnan(end), -math.inf, end)
    return bound


def upper_bound(differences: npt.ArrayLike, overlap: float, level: float, least_spread: float = 0.0) -> FloatArray:
    """Return the end above which the mean is with at most ``level``, one-sided; inf where nothing can be said."""
    return -lower_bound(-np.asarray(differences, dtype=np.float64), overlap, level, least_spread)


def overlap_of_interval(differences: npt.ArrayLike, ends: tuple[float, float], alpha: float) -> float:
    """Return the overlap with which ``corrected_t`` gave an interval; 0 where that cannot be told.

    Example:
        >>> round(overlap_of_interval([0.02, 0.05, 0.01, 0.04, 0.03, 0.02, 0.06, 0.01], (0.007339, 0.052661), 0.05), 4)
        0.1429
    """
    from scipy.special import stdtrit

    values = np.asarray(differences, dtype=np.float64)
    n, half = len(values), (ends[1] - ends[0]) / 2
    spread = values.std(ddof=1) if n > 1 and np.isfinite(values).all() else 0.0
    if not spread or not math.isfinite(half):
        return 0.0
    return max(0.0, float(half / stdtrit(n - 1, 1 - alpha / 2) / spread) ** 2 - 1 / n)


def _mean_and_error(values: FloatArray, overlap: float, least_spread: float) -> tuple[FloatArray, FloatArray]:
    """Return the mean of each row and its corrected standard error; both nan where nothing can be said."""
    num_splits = values.shape[-1]
    if num_splits < 2:
        nothing = np.full(values.shape[:-1], math.nan)
        return nothing, nothing
    known = np.where(np.isfinite(values).all(axis=-1, keepdims=True), values, math.nan)
    spread = known.std(axis=-1, ddof=1)
    spread = np.where(spread <= RELATIVE * _largest(known), 0.0, spread)
    return known.mean(axis=-1), math.sqrt(1 / num_splits + overlap) * np.maximum(spread, least_spread)


def _largest(values: FloatArray) -> FloatArray:
    largest: FloatArray = np.abs(values).max(axis=-1, initial=0.0)
    return largest
