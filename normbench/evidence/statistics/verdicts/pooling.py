"""Pools the differences of several tasks: a verdict on these together, one on tasks like these, and their discord.

The first takes the tasks as they are, and its sample are the seeds; for the second the tasks themselves are the sample,
and five of them say nothing. A reader easily takes the one for the other, so both belong side by side.
"""

import math
from collections.abc import Sequence
from functools import cache, partial

import numpy as np
import numpy.typing as npt

from normbench.evidence.statistics.corrections import ALPHA, holm
from normbench.evidence.statistics.verdicts.sign_test import fewest_agreeing, sign_counts, upper_tail
from normbench.evidence.statistics.verdicts.signed_rank import largest_rank_sum, null_probabilities
from normbench.evidence.statistics.verdicts.ties import FloatArray, counts_beyond
from normbench.evidence.statistics.verdicts.typical_seed import (
    Side,
    TypicalSeed,
    guarded,
    lower_end,
    pseudo_median,
    typical_seed,
)
from normbench.evidence.statistics.verdicts.walsh import middle_of, smallest, walsh_averages

FEWEST_TASKS = 6


def pooled_p(tasks: Sequence[npt.ArrayLike], margin: float = 0.0) -> tuple[FloatArray, FloatArray]:
    """Return the two-sided p for "above the margin on these tasks together", and for "below".

    Differences are ranked inside each task, so that no task weighs more for its larger spread; the rank sums are added,
    and their exact null distribution is that of a sum of independent rank sums. The signs of all seeds guard it as in
    the verdict on one task.

    Args:
        tasks: For each task its paired differences, shape (..., n); n may differ.
        margin: What the typical difference is compared with.

    References:
        van Elteren (1960), On the combination of independent two-sample tests of Wilcoxon, Bulletin of the
        International Statistical Institute 37: ranks inside strata.

    Example:
        >>> [float(p) for p in pooled_p([[1.0, 2.0, 3.0], [10.0, 20.0, 30.0]])]
        [0.03125, 1.0]
    """
    ranks, signs = _rank_p(tasks, margin), _sign_p(tasks, margin)
    return guarded(ranks[0], signs[0]), guarded(ranks[1], signs[1])


def _rank_p(tasks: Sequence[npt.ArrayLike], margin: float) -> tuple[FloatArray, FloatArray]:
    averages, tolerance = _pooled_averages(tasks)
    above, below = counts_beyond(averages, tolerance, margin)
    cdf, total = pooled_cdf(_seeds(tasks)), averages.shape[-1]
    return cdf[total - above], cdf[total - below]


def _sign_p(tasks: Sequence[npt.ArrayLike], margin: float) -> tuple[FloatArray, FloatArray]:
    above, below = sign_counts(_joined(tasks), margin)
    tail = upper_tail(sum(_seeds(tasks)))
    return tail[above], tail[below]


def pooled_inside_p(tasks: Sequence[npt.ArrayLike], low: float, high: float) -> FloatArray:
    """Return the larger one-sided p of "above low" and "below high" on these tasks together, as for one task.

    Example:
        >>> float(pooled_inside_p([[1.0, 2.0, 3.0], [1.5, 2.5]], 0.0, 5.0))
        0.03125
    """
    ranks, signs = (_rank_p(tasks, low)[0], _rank_p(tasks, high)[1]), (_sign_p(tasks, low)[0], _sign_p(tasks, high)[1])
    return np.maximum(np.maximum(*ranks), np.maximum(*signs))


def pooled_interval(tasks: Sequence[npt.ArrayLike], alpha: float = ALPHA) -> tuple[FloatArray, FloatArray]:
    """Return the ends of {m: p(m) > alpha}: the margins that all tasks together do not exclude."""
    return _lower_end(tasks, alpha), -_lower_end([-np.asarray(task, dtype=np.float64) for task in tasks], alpha)


def pooled_estimate(tasks: Sequence[npt.ArrayLike]) -> float:
    """Return the median of the Walsh averages of all tasks, each pair within one task: where the rank sums balance.

    Example:
        >>> pooled_estimate([[1.0, 3.0], [10.0]])
        2.5
    """
    averages, _ = _pooled_averages(tasks)
    return middle_of(averages)


def _lower_end(tasks: Sequence[npt.ArrayLike], alpha: float) -> FloatArray:
    values, seeds = _joined(tasks), _seeds(tasks)
    averages, tolerance = _pooled_averages(tasks)
    rank_sum, agreeing = largest_rank_sum(pooled_cdf(seeds), alpha / 2), fewest_agreeing(sum(seeds), alpha)
    return lower_end(values, partial(smallest, averages - tolerance), rank_sum, agreeing)


def _pooled_averages(tasks: Sequence[npt.ArrayLike]) -> tuple[FloatArray, FloatArray]:
    averages, tolerances = zip(*map(walsh_averages, tasks), strict=True)
    return np.concatenate(averages, axis=-1), np.concatenate(tolerances, axis=-1)


def _joined(tasks: Sequence[npt.ArrayLike]) -> FloatArray:
    return np.concatenate([np.asarray(task, dtype=np.float64) for task in tasks], axis=-1)


def _seeds(tasks: Sequence[npt.ArrayLike]) -> tuple[int, ...]:
    return tuple(sorted(np.shape(task)[-1] for task in tasks))


@cache
def pooled_cdf(seeds: tuple[int, ...]) -> FloatArray:
    """Return P(sum of the tasks' rank sums <= t) if every sign is a fair coin; the seeds of each task.

    Example:
        >>> (pooled_cdf((1, 2)) * 8).tolist()  # rank sums of {1} and of {1, 2}
        [1.0, 3.0, 5.0, 7.0, 8.0]
    """
    probabilities = np.ones(1)
    for n in seeds:
        probabilities = np.convolve(probabilities, null_probabilities(n))
    return np.minimum(np.cumsum(probabilities), 1.0)


def tasks_like_these(tasks: Sequence[npt.ArrayLike], margin: float = 0.0, alpha: float = ALPHA) -> TypicalSeed | None:
    """Test whether the typical task lies above or below the margin; None with fewer than six tasks.

    Each task gives one number, its pseudo-median over its median |d|, both from the margin: so tasks of any scale can
    be compared. It speaks of the pseudo-median over seeds, which in skewed tasks is not the median.
    """
    if len(tasks) < FEWEST_TASKS:
        return None
    return typical_seed(task_numbers(tasks, margin), alpha=alpha)


def task_numbers(tasks: Sequence[npt.ArrayLike], margin: float = 0.0) -> list[float]:
    """Return one number for each task: the pseudo-median over the median |d|, both from the margin.

    Example:
        >>> task_numbers([[1.0, 2.0, 3.0], [-20.0, -20.0]])
        [1.0, -1.0]
    """
    return [_scaled(np.asarray(task, dtype=np.float64) - margin) for task in tasks]


def _scaled(distances: FloatArray) -> float:
    middle = pseudo_median(distances)
    if middle == 0 or not math.isfinite(middle):
        return middle
    size = float(np.nanmedian(np.abs(distances)))
    return middle / size if size else math.copysign(math.inf, middle)


def corrected_sides(ps: Sequence[tuple[float, float]], alpha: float) -> list[tuple[Side, float]]:
    """Return for each task the side on which it is found, and p, after Holm's correction over tasks, each side apart.

    Args:
        ps: Of each task the two-sided p for "above the margin", and for "below".
        alpha: Level of the sides.

    Example:
        >>> corrected_sides([(0.01, 1.0), (1.0, 0.03)], 0.05)
        [('above', 0.02), ('', 0.06)]
    """
    above, below = (holm(side) for side in zip(*ps, strict=True))
    return [_better_side(*both, alpha) for both in zip(above, below, strict=True)]


def _better_side(above: float, below: float, alpha: float) -> tuple[Side, float]:
    side: Side = "below" if below < above else "above"
    p = min(above, below)
    return (side if p <= alpha else ""), p
