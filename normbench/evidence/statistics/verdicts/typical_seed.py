"""Tests whether the typical seed lies above or below a margin: signed ranks, guarded by the count of signs.

Signed ranks alone are right about the median only for symmetric laws; the sign test alone is right for every law, but
finds less. A side is found only if both agree: p = min(1, max(p_W, p_S / 2)), p_W and p_S the two-sided p of the
signed ranks and of the signs. Whatever the law, a false verdict in one direction about the median has at most 5 %.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
import numpy.typing as npt

from normbench.evidence.statistics.corrections import ALPHA
from normbench.evidence.statistics.verdicts.sign_test import fewest_agreeing, sign_counts, sign_test_p, upper_tail
from normbench.evidence.statistics.verdicts.signed_rank import largest_rank_sum, null_cdf, p_of_counts, signed_rank_p
from normbench.evidence.statistics.verdicts.ties import FloatArray, tolerance_of
from normbench.evidence.statistics.verdicts.walsh import Averages, smallest
from normbench.evidence.statistics.verdicts.walsh_search import averages_of_sample, lowered_average

Side = Literal["above", "below", ""]
Failed = Literal["signs", "sizes", ""]


@dataclass(frozen=True)
class TypicalSeed:
    """What paired differences say about the typical seed, against a margin.

    Attributes:
        n: Number of seeds.
        value: The pseudo-median: median of the Walsh averages (Hodges and Lehmann, 1963); nan if there is none.
        low: Lower end of the interval, which is exactly the margins m with p(m) > alpha.
        high: Upper end of it.
        p: Two-sided p of the better supported side.
        side: The side that was found at alpha; empty for cannot tell.
        failed: The part that found nothing where the other found a side: "signs" (few seeds carry it) or "sizes" (most
            seeds agree, but the others are far off).
        num_above: Seeds above the margin.
        num_below: Seeds below it.
    """

    n: int
    value: float
    low: float
    high: float
    p: float
    side: Side
    failed: Failed
    num_above: int
    num_below: int


def typical_seed(differences: npt.ArrayLike, margin: float = 0.0, alpha: float = ALPHA) -> TypicalSeed:
    """Test one sample against a margin, in both directions.

    A difference may be inf or -inf (a run that diverged is the worst possible); nan counts for no side.

    Args:
        differences: Shape (n,), one per seed.
        margin: What the typical difference is compared with.
        alpha: Level of the verdict and of the interval.

    Example:
        >>> found = typical_seed([2.0, 1.0, 3.0, 4.0, 2.5, 1.5, 3.5, -0.5])
        >>> found.side, found.value, round(found.low, 9), round(found.high, 9), found.p, found.num_above
        ('above', 2.25, 0.75, 3.5, 0.03515625, 7)
    """
    values = np.asarray(differences, dtype=np.float64)
    n, averages = len(values), averages_of_sample(values)
    above, below = sign_counts(values, margin)
    ranks, signs = p_of_counts(n, *averages.counts_beyond(margin)), (upper_tail(n)[above], upper_tail(n)[below])
    ps = [float(guarded(*parts)) for parts in zip(ranks, signs, strict=True)]
    best = 1 if ps[1] < ps[0] else 0
    low, high = _interval(values, averages, alpha)
    return TypicalSeed(
        n=n,
        value=averages.middle(),
        low=low,
        high=high,
        p=ps[best],
        side=_side(best) if ps[best] <= alpha else "",
        failed=_failed(ranks, signs, alpha),
        num_above=int(above),
        num_below=int(below),
    )


def _side(index: int) -> Side:
    return "below" if index else "above"


def _failed(ranks: Sequence[FloatArray], signs: Sequence[FloatArray], alpha: float) -> Failed:
    """Name the part that found nothing where the other found a side, by the one-sided p of both."""
    for rank_p, sign_p in zip(ranks, signs, strict=True):
        if 2 * rank_p <= alpha < sign_p:
            return "signs"
        if sign_p <= alpha < 2 * rank_p:
            return "sizes"
    return ""


def _interval(values: FloatArray, averages: Averages, alpha: float) -> tuple[float, float]:
    """Return ``guarded_interval`` of one sample whose Walsh averages are there."""
    n = len(values)
    rank_sum, agreeing = largest_rank_sum(null_cdf(n), alpha / 2), fewest_agreeing(n, alpha)
    low = lower_end(values, averages.lowered, rank_sum, agreeing)
    return float(low), -float(lower_end(-values, lambda rank: -averages.raised(rank), rank_sum, agreeing))


def guarded_p(differences: npt.ArrayLike, margin: float = 0.0) -> tuple[FloatArray, FloatArray]:
    """Return the two-sided p, min(1, max(p_W, p_S / 2)), for "above the margin" and for "below"; (..., n) to (...)."""
    ranks, signs = signed_rank_p(differences, margin), sign_test_p(differences, margin)
    return guarded(ranks[0], signs[0]), guarded(ranks[1], signs[1])


def guarded(rank_p: FloatArray, sign_p: FloatArray) -> FloatArray:
    """Return the two-sided p of one side from the one-sided p of ranks and signs: max(2 p_ranks, 2 p_signs / 2)."""
    return np.minimum(1.0, np.maximum(2 * rank_p, sign_p))


def guarded_interval(differences: npt.ArrayLike, alpha: float = ALPHA) -> tuple[FloatArray, FloatArray]:
    """Return the ends of {m: p(m) > alpha}, both included; (..., n) to (...).

    low = min(w_(c+1), d_(n-K+1)): c is the largest rank sum with P(T <= c) <= alpha / 2, K the fewest signs with
    P(Bin >= K) <= alpha, w and d the sorted Walsh averages and differences; high is its mirror image.
    """
    return lower_bound(differences, alpha / 2, alpha), upper_bound(differences, alpha / 2, alpha)


def one_sided_p(differences: npt.ArrayLike, margin: float = 0.0) -> tuple[FloatArray, FloatArray]:
    """Return p of the one-sided test for "above", and for "below": the larger of the two parts' one-sided p.

    For a question that has one direction only. It is right about the median of every law at any level.
    """
    ranks, signs = signed_rank_p(differences, margin), sign_test_p(differences, margin)
    return np.maximum(ranks[0], signs[0]), np.maximum(ranks[1], signs[1])


def lower_bound(differences: npt.ArrayLike, rank_level: float, sign_level: float) -> FloatArray:
    """Return the smallest margin that the typical seed cannot be said to be above of; -inf if n is too small.

    Args:
        differences: Shape (..., n).
        rank_level: One-sided level of the signed ranks.
        sign_level: One-sided level of the signs.
    """
    values = np.asarray(differences, dtype=np.float64)
    n = values.shape[-1]
    rank_sum, agreeing = largest_rank_sum(null_cdf(n), rank_level), fewest_agreeing(n, sign_level)
    return lower_end(values, partial(lowered_average, values), rank_sum, agreeing)


def upper_bound(differences: npt.ArrayLike, rank_level: float, sign_level: float) -> FloatArray:
    """Return the largest margin that the typical seed cannot be said to be below of; inf if n is too small."""
    return -lower_bound(-np.asarray(differences, dtype=np.float64), rank_level, sign_level)


def lower_end(values: FloatArray, lowered: Callable[[int], npt.ArrayLike], rank_sum: int, agreeing: int) -> FloatArray:
    """Return min(w_(c+1), d_(n-K+1)) of averages w and values d, with rank sum c and K agreeing; -inf if none.

    Args:
        values: The differences, shape (..., n).
        lowered: Returns the average with a rank, from 0, when each is lowered by its tolerance.
        rank_sum: c.
        agreeing: K.
    """
    n = values.shape[-1]
    if rank_sum < 0 or agreeing > n:
        return np.full(values.shape[:-1], -math.inf)
    return np.minimum(lowered(rank_sum), smallest(values - tolerance_of(np.abs(values)), n - agreeing))


def pseudo_median(differences: npt.ArrayLike) -> float:
    """Return the median of the Walsh averages; nan if there are none, or if inf and -inf balance."""
    return averages_of_sample(np.asarray(differences, dtype=np.float64)).middle()


def smallest_p(n: int) -> float:
    """Return the smallest p that n seeds can give, with all of them on one side: 2^(1-n).

    Example:
        >>> smallest_p(6), smallest_p(8)
        (0.03125, 0.0078125)
    """
    return min(1.0, 2.0 ** (1 - n))
