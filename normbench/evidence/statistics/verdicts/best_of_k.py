"""Finds which of several arms may be best on the typical seed, and how far behind the best each arm is at most.

An arm is beaten if some other arm is above it by a test of all its rivals at once, and in enough seeds. Only the arm
that is truly best must not be called beaten, so the arms need no correction among each other. The signs have twice the
level of the ranks per rival, as in the verdict on two arms, and at most 5 %: at 5 % for each of seven rivals an arm of
opposite skew, whose rivals are not better in the median, was called beaten in 10 % of simulated studies of 16 seeds.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np
import numpy.typing as npt

from normbench.evidence.statistics.corrections import ALPHA
from normbench.evidence.statistics.verdicts.largest_bound import largest_upper_bounds
from normbench.evidence.statistics.verdicts.sign_test import sign_counts, sign_test_p, upper_tail
from normbench.evidence.statistics.verdicts.size_ranks import signed_ranks
from normbench.evidence.statistics.verdicts.ties import FloatArray

EXACT_UP_TO = 8
NUM_DRAWS = 999
BLOCK = 128
"""Rivals that are looked at together, so that what is computed of them stays in the processor's cache."""
DUST = 1e-9
"""By how much z may be off by rounding, which must not break a tie."""


@dataclass(frozen=True)
class BestOfK:
    """The answer to "which arm shall I take?".

    Attributes:
        may_be_best: For each arm, whether no other arm beat it; the best arm is among them with 95 %.
        behind: For each arm, by how much at most it is behind the best (95 %, for all arms together); not above 0 if it
            is the best; inf if there are too few seeds.
        taken: Index of the arm that is least behind, the first of those that tie; None where no distance is bounded.
    """

    may_be_best: tuple[bool, ...]
    behind: tuple[float, ...]
    taken: int | None


def best_of_k(values: npt.ArrayLike, alpha: float = ALPHA) -> BestOfK:
    """Compare k arms over the same n seeds; higher is better.

    Args:
        values: Shape (k, n), two arms or more. -inf is a run that diverged; where two arms have it they tie.
        alpha: One minus the confidence.

    Example:
        >>> seeds = np.arange(8.0)
        >>> found = best_of_k([seeds, seeds + 1, seeds - 3])
        >>> found.may_be_best, found.taken, [round(end, 6) for end in found.behind]
        ((False, True, False), 1, [1.0, -1.0, 4.0])
    """
    known = np.asarray(values, dtype=np.float64)
    if known.ndim != 2 or len(known) < 2:
        raise ValueError(f"values: must have a row for each of two arms or more, got shape {known.shape}. Add an arm.")
    behind = behind_the_best(known, alpha)
    may_be_best = tuple(not is_beaten for is_beaten in beaten_arms(known, alpha))
    taken = int(np.argmin(behind)) if min(behind) < np.inf else None
    return BestOfK(may_be_best, tuple(behind), taken)


def behind_the_best(values: FloatArray, alpha: float = ALPHA) -> list[float]:
    """Return for each arm the largest upper bound of (another arm - this arm), by the guarded test at alpha / (k - 1).

    The bounds hold for every arm at once: only those against the best arm must, and these are k - 1 (Bonferroni).

    References:
        Hsu (1984), Constrained simultaneous confidence intervals for multiple comparisons with the best, Annals of
        Statistics 12(3).
    """
    num_rivals = len(values) - 1
    return largest_upper_bounds(values, alpha / num_rivals, sign_level(alpha, num_rivals))


def beaten_arms(values: FloatArray, alpha: float = ALPHA) -> list[bool]:
    """Return for each arm whether another is above it, by the signed ranks of all rivals together and by the signs.

    Each pair of arms is looked at once: turned round, its signs and signed ranks have the other sign. The flips are
    summed in single precision; an arm for which that is too coarse to tell is looked at again.
    """
    num_arms, n = values.shape
    flips, tail, level = _flips(n).T.astype(np.float32), upper_tail(n), sign_level(alpha, num_arms - 1)
    largest = np.full((num_arms, flips.shape[-1]), -np.inf, dtype=np.float32)
    strongest = np.full((num_arms, 1), -np.inf)
    for arm, later in _pairs_in_blocks(num_arms):
        with np.errstate(invalid="ignore"):  # -inf - -inf is a tie, which counts for neither
            rivals = values[later] - values[arm]
        weights, (above, below) = rank_weights(rivals), sign_counts(rivals)
        found, own = weights.astype(np.float32) @ flips, weights.sum(axis=-1)
        np.maximum(largest[arm], found.max(axis=0), out=largest[arm])
        np.maximum(largest[later], -found, out=largest[later])
        strongest[arm] = max(strongest[arm], own[tail[above] <= level].max(initial=-np.inf))
        np.maximum(strongest[later, 0], -own, out=strongest[later, 0], where=tail[below] <= level)
    error = DUST + (n + 2) * 2.0**-24 * math.sqrt(n)  # the sum of the weights' sizes is sqrt(n) at most
    least, most = ((largest >= strongest + by).mean(axis=-1) for by in (error, -error))
    has_signs = strongest[:, 0] > -np.inf
    return [
        bool(has_signs[arm]) and (most[arm] <= alpha or (least[arm] <= alpha and bool(beaten_by(values, arm, alpha))))
        for arm in range(num_arms)
    ]


def _pairs_in_blocks(num_arms: int) -> Iterator[tuple[int, slice]]:
    """Yield all pairs of arms: one, with some of those after it."""
    for arm in range(num_arms - 1):
        for start in range(arm + 1, num_arms, BLOCK):
            yield arm, slice(start, min(start + BLOCK, num_arms))


def beaten_by(values: FloatArray, arm: int, alpha: float = ALPHA) -> list[int]:
    """Return the indices of the arms that are above this one, by the same test."""
    rivals = rivals_of(values, arm)
    by_signs, _ = sign_test_p(rivals)
    is_above = (max_rank_p(rivals) <= alpha) & (by_signs <= sign_level(alpha, len(rivals)))
    others = np.delete(np.arange(len(values)), arm)
    return [int(other) for other in others[is_above]]


def seeds_for_an_answer(num_arms: int, alpha: float = ALPHA) -> int:
    """Return the fewest seeds with which the distance to the best can be bounded: 2^-n <= alpha / (k - 1).

    Example:
        >>> [seeds_for_an_answer(num_arms) for num_arms in (2, 3, 5, 23)]
        [5, 6, 7, 9]
    """
    n = 1
    while 2.0**-n > alpha / max(1, num_arms - 1):
        n += 1
    return n


def sign_level(alpha: float, num_rivals: int) -> float:
    """Return the one-sided level of the signs for each rival: 2 alpha / (k - 1), at most alpha.

    Example:
        >>> [round(sign_level(0.05, num_rivals), 4) for num_rivals in (1, 2, 4, 7)]
        [0.05, 0.05, 0.025, 0.0143]
    """
    return min(alpha, 2 * alpha / num_rivals)


def max_rank_p(rivals: FloatArray) -> FloatArray:
    """Return for each rival p of its signed ranks, corrected for all rivals by flipping whole seeds.

    z = sum of signed ranks / sqrt(sum of their squares). If no rival is above, a seed's differences could all have had
    the other sign; p is the share of such flips whose largest z over the rivals reaches the rival's own. All 2^n flips
    up to n = 8; beyond it 999 drawn ones, always the same, and the observed one.

    Args:
        rivals: Rival less arm, shape (k - 1, n).

    References:
        Westfall and Young (1993), Resampling-Based Multiple Testing, chapter 2: the distribution of the largest
        statistic.
    """
    weights = rank_weights(rivals)
    largest = (_flips(rivals.shape[-1]) @ weights.T).max(axis=-1)
    reached = largest >= weights.sum(axis=-1)[:, None] - DUST
    shares: FloatArray = reached.mean(axis=-1)
    return shares


def rank_weights(rivals: FloatArray) -> FloatArray:
    """Return the signed ranks of each rival over the root of the sum of their squares; 0 where all are 0."""
    ranks = signed_ranks(rivals)
    scale = np.sqrt((ranks**2).sum(axis=-1, keepdims=True))
    weights: FloatArray = np.divide(ranks, scale, out=np.zeros_like(ranks), where=scale > 0)
    return weights


def rivals_of(values: FloatArray, arm: int) -> FloatArray:
    """Return each other arm less this one, in each seed: shape (k - 1, n)."""
    with np.errstate(invalid="ignore"):  # -inf - -inf is a tie, which counts for neither
        rivals: FloatArray = np.delete(values, arm, axis=0) - values[arm]
    return rivals


@cache
def _flips(n: int) -> FloatArray:
    """Return patterns of signs, one per row; the first leaves all as they are."""
    if n <= EXACT_UP_TO:
        return np.array(list(product((1.0, -1.0), repeat=n)), dtype=np.float64)
    drawn = np.random.default_rng(0).choice((1.0, -1.0), size=(NUM_DRAWS, n))
    return np.concatenate([np.ones((1, n)), drawn])
