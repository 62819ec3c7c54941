"""Finds which of several arms may be best on the typical seed, and how far behind the best each arm is at most.

An arm is beaten if some other arm is above it by a test of all its rivals at once, and in enough seeds. Only the arm
that is truly best must not be called beaten, so the arms need no correction among each other. The signs have twice the
level of the ranks per rival, as in the verdict on two arms, and at most 5 %: at 5 % for each of seven rivals an arm of
opposite skew, whose rivals are not better in the median, was called beaten in 10 % of simulated studies of 16 seeds.
"""

from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np
import numpy.typing as npt

from normbench.evidence.statistics.corrections import ALPHA
from normbench.evidence.statistics.verdicts.sign_test import sign_test_p
from normbench.evidence.statistics.verdicts.ties import FloatArray, tolerance_of
from normbench.evidence.statistics.verdicts.typical_seed import upper_bound

EXACT_UP_TO = 8
NUM_DRAWS = 999


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
    behind = [behind_the_best(known, arm, alpha) for arm in range(len(known))]
    may_be_best = tuple(not is_beaten(known, arm, alpha) for arm in range(len(known)))
    taken = int(np.argmin(behind)) if min(behind) < np.inf else None
    return BestOfK(may_be_best, tuple(behind), taken)


def behind_the_best(values: FloatArray, arm: int, alpha: float = ALPHA) -> float:
    """Return the largest upper bound of (another arm - this arm), each by the guarded test at alpha / (k - 1).

    The bounds hold for every arm at once: only those against the best arm must, and these are k - 1 (Bonferroni).

    References:
        Hsu (1984), Constrained simultaneous confidence intervals for multiple comparisons with the best, Annals of
        Statistics 12(3).
    """
    rivals = rivals_of(values, arm)
    return float(upper_bound(rivals, alpha / len(rivals), sign_level(alpha, len(rivals))).max())


def is_beaten(values: FloatArray, arm: int, alpha: float = ALPHA) -> bool:
    """Return whether some other arm is above this one, by the signed ranks of all rivals together and by the signs."""
    return bool(beaten_by(values, arm, alpha))


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
    ranks = signed_ranks(rivals)
    scale = np.sqrt((ranks**2).sum(axis=-1, keepdims=True))
    weights = np.divide(ranks, scale, out=np.zeros_like(ranks), where=scale > 0)
    largest = (_flips(rivals.shape[-1]) @ weights.T).max(axis=-1)
    reached = largest >= weights.sum(axis=-1)[:, None] - 1e-9  # rounding must not break a tie
    shares: FloatArray = reached.mean(axis=-1)
    return shares


def signed_ranks(differences: FloatArray) -> FloatArray:
    """Return the rank of each |difference| in its row, with its sign; ties share their mean rank, nan has rank 0.

    Example:
        >>> signed_ranks(np.array([[0.5, -2.0, 2.0, np.inf, 0.0, np.nan]])).tolist()
        [[3.0, -4.5, 4.5, 6.0, 0.0, 0.0]]
    """
    sizes = np.nan_to_num(np.abs(differences), nan=0.0, posinf=np.inf)
    lowered, raised = sizes - tolerance_of(sizes), sizes + tolerance_of(sizes)
    smaller = (raised[..., None, :] < lowered[..., :, None]).sum(axis=-1)
    not_larger = (lowered[..., None, :] <= raised[..., :, None]).sum(axis=-1)
    ranks: FloatArray = np.nan_to_num(np.sign(differences)) * (smaller + not_larger + 1) / 2
    return ranks


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
