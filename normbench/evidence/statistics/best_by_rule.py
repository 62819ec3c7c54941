"""Finds which of several arms may be best, and how far each is behind, by the rule for verdicts."""

import numpy as np
import numpy.typing as npt

from normbench.evidence.statistics.best_on_new_data import above_on_new_data, best_on_new_data
from normbench.evidence.statistics.corrected_t import FEWEST_SPLITS
from normbench.evidence.statistics.corrections import ALPHA
from normbench.evidence.statistics.planned_checks.sign_e_process import (
    anytime_lower_bound,
    e_values,
    is_ever_above,
    reaches,
)
from normbench.evidence.statistics.verdict_rule import VerdictRule
from normbench.evidence.statistics.verdicts.best_of_k import (
    BestOfK,
    beaten_by,
    best_of_k,
    rivals_of,
    seeds_for_an_answer,
)
from normbench.evidence.statistics.verdicts.ties import FloatArray


def best_by_rule(values: npt.ArrayLike, rule: VerdictRule) -> BestOfK:
    """Compare k arms over the same n seeds; higher is better.

    Args:
        values: Shape (k, n), two arms or more, seeds in the order in which they were added; -inf is a run that
            diverged.
        rule: How verdicts are made. Where these seeds are not judged every arm may be best, and nothing is bounded.

    Example:
        >>> from normbench.evidence.statistics.verdict_rule import ANY_TIME
        >>> seeds = np.arange(8.0)
        >>> [best_by_rule([seeds, seeds + 1], rule).may_be_best for rule in (VerdictRule("check", 0.0097), ANY_TIME)]
        [(False, True), (False, True)]
    """
    known = np.asarray(values, dtype=np.float64)
    arms = range(len(known))
    if rule.why_not:
        return BestOfK((True,) * len(known), (np.inf,) * len(known), None)
    if rule.kind == "new data":
        return best_on_new_data(known, rule.overlap, rule.level)
    if rule.kind != "any time":
        return best_of_k(known, rule.level)
    behind = tuple(_behind_ever(rivals_of(known, arm), _threshold(known)) for arm in arms)
    taken = int(np.argmin(behind)) if min(behind) < np.inf else None
    return BestOfK(tuple(not ever_above(known, arm) for arm in arms), behind, taken)


def _behind_ever(rivals: FloatArray, threshold: float) -> float:
    """Return the largest upper bound of the rivals, right at any time; few are computed."""
    with np.errstate(invalid="ignore"):  # inf - inf, of a run that diverged in one arm and one in the other
        left = -rivals[np.argsort(-np.nan_to_num(rivals.mean(axis=-1), nan=-np.inf))]
    least = np.inf
    while len(left):
        least = min(least, anytime_lower_bound(left[0], threshold))
        left = left[1:]
        left = left[~reaches(left, least, threshold)]
    return -float(least)


def above_by_rule(values: FloatArray, arm: int, rule: VerdictRule) -> list[int]:
    """Return which arms are above this one, tested for all rivals at once."""
    if rule.why_not:
        return []
    if rule.kind == "new data":
        return above_on_new_data(values, arm, rule.overlap, rule.level)
    return ever_above(values, arm) if rule.kind == "any time" else beaten_by(values, arm, rule.level)


def ever_above(values: FloatArray, arm: int) -> list[int]:
    """Return the arms whose sign e-process was ever above this one, at 5 % for all rivals together."""
    others = np.delete(np.arange(len(values)), arm)
    return [int(other) for other in others[is_ever_above(rivals_of(values, arm), 0.0, _threshold(values))]]


def seeds_to_bound(num_arms: int, rule: VerdictRule) -> int:
    """Return the fewest seeds with which a distance to the best can be bounded by a rule that judges.

    Example:
        >>> from normbench.evidence.statistics.verdict_rule import ANY_TIME, FIXED
        >>> [seeds_to_bound(num_arms, rule) for rule in (FIXED, ANY_TIME) for num_arms in (2, 3, 5)]
        [5, 6, 7, 7, 8, 9]
    """
    if rule.kind == "new data":
        return FEWEST_SPLITS
    if rule.kind != "any time":
        return seeds_for_an_answer(num_arms, rule.level)
    n = 1
    while float(e_values(n, n)) < (num_arms - 1) / ALPHA:
        n += 1
    return n


def _threshold(values: FloatArray) -> float:
    """Return E at which a rival is above, in one direction, so that all rivals together have 5 %."""
    return (len(values) - 1) / ALPHA
