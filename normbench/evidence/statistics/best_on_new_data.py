"""Finds which of several arms may be best on new data, and how far each is behind, from splits of the same rows.

Each rival is tested by the corrected t at alpha / (k - 1), in one direction. Only the tests against the truly best arm
must hold, which are k - 1 (Bonferroni): then no distance is too small, and the best arm is not called beaten.
"""

import numpy as np
import numpy.typing as npt

from normbench.evidence.statistics.corrected_t import corrected_p, upper_bound
from normbench.evidence.statistics.corrections import ALPHA
from normbench.evidence.statistics.verdicts.best_of_k import BestOfK, rivals_of
from normbench.evidence.statistics.verdicts.ties import FloatArray


def best_on_new_data(values: npt.ArrayLike, overlap: float, alpha: float = ALPHA) -> BestOfK:
    """Compare k arms over the same splits; higher is better.

    Args:
        values: Shape (k, S), two arms or more.
        overlap: As in ``corrected_t``.
        alpha: One minus the confidence.

    Example:
        >>> splits = np.array([0.1, 0.3, 0.2, 0.4, 0.3, 0.2, 0.1, 0.4])
        >>> found = best_on_new_data([splits, splits + 1, splits - 3], overlap=0.2)
        >>> found.may_be_best, found.taken, [round(end, 6) for end in found.behind]
        ((False, True, False), 1, [1.0, -1.0, 4.0])
    """
    known = np.asarray(values, dtype=np.float64)
    arms = range(len(known))
    behind = tuple(behind_on_new_data(known, arm, overlap, alpha) for arm in arms)
    may_be_best = tuple(not above_on_new_data(known, arm, overlap, alpha) for arm in arms)
    return BestOfK(may_be_best, behind, int(np.argmin(behind)) if min(behind) < np.inf else None)


def behind_on_new_data(values: FloatArray, arm: int, overlap: float, alpha: float = ALPHA) -> float:
    """Return the largest upper bound of (another arm - this arm), each at alpha / (k - 1)."""
    rivals = rivals_of(values, arm)
    return float(upper_bound(rivals, overlap, alpha / len(rivals)).max())


def above_on_new_data(values: FloatArray, arm: int, overlap: float, alpha: float = ALPHA) -> list[int]:
    """Return the indices of the arms that are above this one, by the same test."""
    others = np.delete(np.arange(len(values)), arm)
    above, _ = corrected_p(values[others] - values[arm], overlap)
    return [int(other) for other in others[above <= alpha / len(others)]]
