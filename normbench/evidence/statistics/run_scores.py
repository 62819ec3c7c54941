"""Summarizes the scores of an arm's runs over several tasks: interquartile mean with interval, performance profile.

A score lies between 0 and 1 in every task, so that runs of different tasks can stand in one list. Every task weighs the
same, however many runs it has.

References:
    Agarwal, Schwarzer, Castro, Courville and Bellemare (2021), Deep reinforcement learning at the edge of the
    statistical precipice, NeurIPS.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from normbench.evidence.statistics.corrections import ALPHA
from normbench.evidence.statistics.verdicts.ties import FloatArray

NUM_RESAMPLES = 1999
QUARTILES = (0.25, 0.75)


@dataclass(frozen=True)
class ScoreInterval:
    """An interquartile mean with its 95 % interval.

    Attributes:
        value: The mean.
        low: Lower end of the interval.
        high: Upper end of the interval.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Profile:
    """The share of runs whose score is above each threshold, with its 95 % interval at each."""

    thresholds: Sequence[float]
    shares: Sequence[float]
    lows: Sequence[float]
    highs: Sequence[float]


def interquartile_mean(tasks: Sequence[npt.ArrayLike]) -> FloatArray:
    """Return the mean of the middle half of all runs' scores; (..., n) of each task to (...).

    A run weighs 1 / (tasks * its task's runs); of the runs at the quartiles only the part inside counts. Where all
    tasks have as many runs, and these are 4, 8, 12 ... in all, it is the mean without the lowest and the highest
    quarter.

    Example:
        >>> float(interquartile_mean([[0.0, 0.4], [0.6, 1.0]]))
        0.5
        >>> round(float(interquartile_mean([[1.0, 2.0, 3.0, 4.0, 100.0]])), 9)  # 2, 3 and 4 with weights 3 : 4 : 3
        3.0
    """
    scores, weights = _joined(tasks), _weights(tasks)
    order = np.argsort(scores, axis=-1)
    ordered, sizes = np.take_along_axis(scores, order, axis=-1), weights[order]
    upper = np.cumsum(sizes, axis=-1)
    low, high = QUARTILES
    inside = np.clip(upper, low, high) - np.clip(upper - sizes, low, high)
    mean: FloatArray = (ordered * inside).sum(axis=-1) / inside.sum(axis=-1)
    return mean


def score_interval(tasks: Sequence[npt.ArrayLike]) -> ScoreInterval:
    """Return the interquartile mean with its stratified bootstrap interval.

    The runs of each task are drawn anew, 1,999 times, always the same ones; the ends are the 50th and the 1,950th of
    the sorted means.

    Args:
        tasks: For each task the scores of the arm's runs, shape (n,).
    """
    low, high = _percentiles(interquartile_mean(_resampled(tasks)))
    return ScoreInterval(float(interquartile_mean(tasks)), float(low), float(high))


def performance_profile(tasks: Sequence[npt.ArrayLike], thresholds: Sequence[float]) -> Profile:
    """Return the share of runs above each threshold, every task alike, with stratified bootstrap intervals."""
    drawn = _resampled(tasks)
    shares = [float(_share_above(tasks, threshold)) for threshold in thresholds]
    ends = [_percentiles(_share_above(drawn, threshold)) for threshold in thresholds]
    return Profile(tuple(thresholds), shares, [float(low) for low, _ in ends], [float(high) for _, high in ends])


def _share_above(tasks: Sequence[npt.ArrayLike], threshold: float) -> FloatArray:
    above = (_joined(tasks) > threshold) * _weights(tasks)
    share: FloatArray = above.sum(axis=-1)
    return share


def _joined(tasks: Sequence[npt.ArrayLike]) -> FloatArray:
    return np.concatenate([np.asarray(task, dtype=np.float64) for task in tasks], axis=-1)


def _weights(tasks: Sequence[npt.ArrayLike]) -> FloatArray:
    sizes = [np.shape(task)[-1] for task in tasks]
    return np.concatenate([np.full(size, 1 / (size * len(sizes))) for size in sizes])


def _resampled(tasks: Sequence[npt.ArrayLike]) -> list[FloatArray]:
    """Draw the runs of each task anew; (n,) to (NUM_RESAMPLES, n)."""
    rng = np.random.default_rng(0)
    values = [np.asarray(task, dtype=np.float64) for task in tasks]
    return [of[rng.integers(0, len(of), size=(NUM_RESAMPLES, len(of)))] for of in values]


def _percentiles(drawn: FloatArray) -> tuple[float, float]:
    rank, ordered = round((NUM_RESAMPLES + 1) * ALPHA / 2), np.sort(drawn)
    return ordered[rank - 1], ordered[NUM_RESAMPLES - rank]
