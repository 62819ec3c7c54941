"""The sign e-process: decides about the median at any time, whoever adds seeds, however often somebody looks.

E is the mean, over every p between 1/2 and 1, of how much likelier the signs are with p than with a fair coin. With a
fair coin it ever reaches 1 / a with probability at most a (Ville, 1939), so that each side at 40 makes 5 % in all.
"""

import math
from bisect import insort
from functools import cache

import numpy as np
import numpy.typing as npt

from normbench.evidence.statistics.verdicts.ties import FloatArray, tolerance_of
from normbench.evidence.statistics.verdicts.typical_seed import Side

THRESHOLD = 40


def e_values(k: npt.ArrayLike, n: npt.ArrayLike) -> FloatArray:
    """Return E of k signs of n: 2^(n+1) B(k+1, n-k+1) (1 - I_1/2(k+1, n-k+1)), with B and I the beta functions.

    References:
        Robbins (1970), Statistical methods related to the law of the iterated logarithm, Annals of Mathematical
        Statistics 41(5); Ramdas and others (2023), Game-theoretic statistics and safe anytime-valid inference,
        Statistical Science 38(4).

    Example:
        >>> e_values([8, 7], [8, 7]).round(1).tolist()  # (2^9 - 1) / 9 and (2^8 - 1) / 8
        [56.8, 31.9]
    """
    from scipy.special import betaincc, betaln

    a, b = np.asarray(k) + 1.0, np.asarray(n) - np.asarray(k) + 1.0
    with np.errstate(over="ignore", divide="ignore"):  # thousands of seeds on one side are infinite evidence
        logs = (a + b - 1) * math.log(2) + betaln(a, b) + np.log(betaincc(a, b, 0.5))
        values: FloatArray = np.exp(logs)
    return values


def sign_e_process(differences: npt.ArrayLike, margin: float = 0.0) -> tuple[FloatArray, FloatArray]:
    """Return E after each seed, for "above the margin" and for "below"; ties and nan count against both.

    Args:
        differences: Shape (..., n), in the order in which the seeds were added.
        margin: What the median is compared with.
    """
    values = np.asarray(differences, dtype=np.float64)
    tolerance = tolerance_of(np.abs(values))
    above = (values - tolerance > margin).cumsum(axis=-1)
    below = (values + tolerance < margin).cumsum(axis=-1)
    seeds = np.arange(1, values.shape[-1] + 1)
    return e_values(above, seeds), e_values(below, seeds)


def e_process_side(differences: npt.ArrayLike, margin: float = 0.0) -> Side:
    """Return the side whose E reached 40 first, at whatever seed; empty if none did.

    Example:
        >>> e_process_side([1.0] * 8 + [-1.0] * 3), e_process_side([1.0] * 7)
        ('above', '')
    """
    above, below = (np.append(process >= THRESHOLD, True).argmax() for process in sign_e_process(differences, margin))
    if above == below:
        return ""
    return "above" if above < below else "below"


@cache
def fewest_signs(n: int, threshold: float = THRESHOLD) -> tuple[int, ...]:
    """Return the fewest signs of 1, 2, ... n seeds whose E reaches the threshold; a seed more if none do.

    E rises with the number of signs, so that a search by halves needs few of the values.

    Example:
        >>> fewest_signs(8), fewest_signs(32)[-1]
        ((2, 3, 4, 5, 6, 7, 8, 8), 25)
    """
    seeds = np.arange(1, n + 1)
    low, high = np.zeros(n, dtype=np.int64), seeds + 1
    while (low < high).any():
        middle = (low + high) // 2
        is_enough = e_values(np.minimum(middle, seeds), seeds) >= threshold
        low, high = np.where(is_enough | (low >= high), low, middle + 1), np.where(is_enough, middle, high)
    return tuple(low.tolist())


def e_process_interval(differences: npt.ArrayLike) -> tuple[float, float]:
    """Return the ends of the margins that no number of seeds so far decided against: right at any time (95 %).

    Example:
        >>> e_process_interval([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, -9.0])[1] == 8 * (1 + 2.0**-36)
        True
    """
    values = np.asarray(differences, dtype=np.float64)
    return anytime_lower_bound(values), -anytime_lower_bound(-values)


def anytime_lower_bound(values: FloatArray, threshold: float = THRESHOLD) -> float:
    """Return the smallest margin that no number of seeds so far was above of, with E at a threshold; -inf if none."""
    ordered, found = list[float](), -math.inf
    for value, signs in zip(_lowered(values).tolist(), fewest_signs(len(values), threshold), strict=True):
        insort(ordered, value)
        found = max(found, ordered[-signs]) if signs <= len(ordered) else found
    return found


def is_ever_above(values: FloatArray, margin: float, threshold: float = THRESHOLD) -> npt.NDArray[np.bool_]:
    """Return whether E of "above the margin" ever reached a threshold; shape (..., n) to (...)."""
    return _decide(_lowered(values) > margin, threshold)


def reaches(values: FloatArray, bound: float, threshold: float = THRESHOLD) -> npt.NDArray[np.bool_]:
    """Return whether ``anytime_lower_bound`` of each sample is a number or more; shape (..., n) to (...)."""
    return _decide(_lowered(values) >= bound, threshold)


def _decide(signs: npt.NDArray[np.bool_], threshold: float) -> npt.NDArray[np.bool_]:
    """Return whether as many of the first signs are true, after some number of seeds, as E needs."""
    needed = np.array(fewest_signs(signs.shape[-1], threshold), dtype=np.int64)
    return np.asarray(np.any(signs.cumsum(axis=-1) >= needed, axis=-1), dtype=np.bool_)


def _lowered(values: FloatArray) -> FloatArray:
    """Return values less their tolerance; nan, which is above nothing, as -inf."""
    return np.where(np.isnan(values), -math.inf, values - tolerance_of(np.abs(values)))
