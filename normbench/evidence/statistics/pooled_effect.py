"""Judges the differences of several tasks: their effect on all seeds together, and whether other tasks would agree.

The rules are in docs/methods.md, "9. Several tasks".
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from normbench.evidence.statistics.corrections import ALPHA, holm, seeds_for_a_verdict
from normbench.evidence.statistics.paired_effect import Better, Effect, verdict_word
from normbench.evidence.statistics.student import exp
from normbench.evidence.statistics.verdicts.pooling import (
    FEWEST_TASKS,
    pooled_estimate,
    pooled_interval,
    pooled_p,
    tasks_like_these,
)
from normbench.evidence.statistics.verdicts.sign_test import sign_counts
from normbench.evidence.statistics.verdicts.typical_seed import TypicalSeed

TOO_FEW_TASKS = "too few tasks"
Tasks = Sequence[npt.ArrayLike]


@dataclass(frozen=True)
class OtherTasks:
    """What some tasks say about tasks like them, where each task is one observation.

    Attributes:
        num_tasks: Number of tasks.
        tasks_needed: Fewest tasks with which a verdict is possible.
        num_above: Tasks whose typical seed is higher than the baseline's.
        num_below: Tasks in which it is lower.
        p_corrected: Two-sided p of the typical task after Holm's correction over the arms; nan with too few tasks.
        verdict: better or worse (higher or lower where no direction is better), cannot tell, or too few tasks.
    """

    num_tasks: int
    tasks_needed: int
    num_above: int = 0
    num_below: int = 0
    p_corrected: float = math.nan
    verdict: str = TOO_FEW_TASKS


def pooled_effect(metric: str, tasks: Tasks, *, is_ratio: bool) -> Effect:
    """Return the effect on all seeds of all tasks together, without a verdict yet, and without a mean.

    Args:
        metric: The metric's name.
        tasks: Paired differences of each task, as ``paired_effect`` takes those of one.
        is_ratio: Whether they are differences of logarithms.
    """
    joined = np.concatenate([np.asarray(task, dtype=np.float64) for task in tasks])
    ps = [float(p) for p in pooled_p(tasks)]
    best = 1 if ps[1] < ps[0] else 0
    low, high = (float(end) for end in pooled_interval(tasks))
    above, below = sign_counts(joined)
    write = exp if is_ratio else float
    return Effect(
        metric=metric,
        is_ratio=is_ratio,
        n=len(joined),
        value=write(pooled_estimate(tasks)),
        low=write(low),
        high=write(high),
        p=ps[best],
        num_above=int(above),
        num_below=int(below),
        by_seed={},
        side=("above", "below")[best] if ps[best] <= ALPHA else "",
    )


def judge_other_tasks(arms: Sequence[Tasks], better: Better) -> list[OtherTasks]:
    """Return for each arm what its tasks say about others like them; an arm has the differences of every task.

    The p values are corrected by Holm's method over the arms, so with more arms more tasks are needed.
    """
    needed = max(FEWEST_TASKS, seeds_for_a_verdict(len(arms)))
    found = [tasks_like_these(tasks) if len(tasks) >= needed else None for tasks in arms]
    corrected = holm([typical.p if typical else 1.0 for typical in found])
    return [
        _judged(typical, p, needed, better) if typical else OtherTasks(len(tasks), needed)
        for tasks, typical, p in zip(arms, found, corrected, strict=True)
    ]


def _judged(typical: TypicalSeed, p: float, needed: int, better: Better) -> OtherTasks:
    return OtherTasks(
        num_tasks=typical.n,
        tasks_needed=needed,
        num_above=typical.num_above,
        num_below=typical.num_below,
        p_corrected=p,
        verdict=verdict_word(typical.side if p <= ALPHA else "", better),
    )
