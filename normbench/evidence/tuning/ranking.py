"""Ranks what tuning tried: the best values, the second-best ones, and how far the best are ahead.

The rules are in docs/methods.md, "7. Tuning".
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from normbench.storage.choices import Choice, Trial


@dataclass(frozen=True)
class Lead:
    """How far the chosen values are ahead of the second-best ones.

    Attributes:
        chosen: The trial of the chosen values.
        runner_up: The best of the other trials; None where nothing else was tried.
        share: By which share of the runner-up's median loss the chosen one is lower; None where it is no share.
        is_tied: Whether the medians are equal to rounding, so that the smaller values were chosen.
        num_best: Number of tuning seeds in which no other trial has a lower loss.
    """

    chosen: Trial
    runner_up: Trial | None
    share: float | None
    is_tied: bool
    num_best: int


def best_trial(tried: Sequence[Trial]) -> Trial:
    """Return the trial with the lowest median; of equal ones that with the smaller numbers, else the first.

    Example:
        >>> best_trial([Trial({"optimizer.lr": lr}, [0.5], 0.5) for lr in (0.1, 0.01)]).values
        {'optimizer.lr': 0.01}
    """
    lowest = min(_loss(one.median) for one in tried)
    return min((one for one in tried if _is_equal(one.median, lowest)), key=lambda one: _numbers(one.values))


def lead_of(choice: Choice) -> Lead | None:
    """Return how far a choice is ahead; None where what was chosen is not among what was tried."""
    chosen = next((one for one in choice.tried if one.values == choice.chosen), None)
    if chosen is None:
        return None
    others = [one for one in choice.tried if one is not chosen]
    second = best_trial(others) if others else None
    return Lead(
        chosen,
        second,
        _share(chosen.median, second.median) if second else None,
        second is not None and _is_equal(chosen.median, second.median),
        sum(_is_lowest(score, i, choice.tried) for i, score in enumerate(chosen.scores)),
    )


def _is_lowest(score: float, number: int, tried: Sequence[Trial]) -> bool:
    return _is_equal(score, min(_loss(one.scores[number]) for one in tried))


def _share(low: float, high: float) -> float | None:
    """Return by which share of ``high`` a loss is lower; None for losses below 0 and those that are not finite."""
    return 1 - low / high if 0 <= low <= high < math.inf and high > 0 else None


def _is_equal(loss: float, other: float) -> bool:
    return math.isclose(_loss(loss), _loss(other))


def _loss(value: float) -> float:
    """Return a loss by which trials can be ordered: nan is as bad as inf."""
    return math.inf if math.isnan(value) else value


def _numbers(values: Mapping[str, Any]) -> list[float]:
    """Return the numbers among the values; others are equal, so that of them the first counts."""
    return [float(value) for value in values.values() if _is_number(value)]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
