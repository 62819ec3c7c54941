"""Judges the differences of several tasks: all seeds together, each task alone, and tasks like these.

The rules are in docs/methods.md, "9. Several tasks".
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

import numpy as np

from normbench.evidence.statistics.corrections import ALPHA, holm, seeds_for_a_verdict
from normbench.evidence.statistics.paired_effect import Effect, paired_effect
from normbench.evidence.statistics.student import exp
from normbench.evidence.statistics.verdict_rule import (
    ANY_TIME,
    FIXED,
    VerdictRule,
    equality_p,
    judge_differences,
    side_ps,
)
from normbench.evidence.statistics.verdict_words import TOO_FEW, Better, verdict_word
from normbench.evidence.statistics.verdicts.pooling import (
    FEWEST_TASKS,
    corrected_sides,
    pooled_estimate,
    pooled_inside_p,
    pooled_interval,
    pooled_p,
    tasks_like_these,
)
from normbench.evidence.statistics.verdicts.sign_test import sign_counts
from normbench.evidence.statistics.verdicts.typical_seed import Side, TypicalSeed

TOO_FEW_TASKS, NOT_JUDGED = "too few tasks", "not judged"
Tasks = Sequence[Mapping[int, float]]
"""Of one arm the paired differences in each task, by seed, in the order in which the seeds were added."""
Values = Sequence[Sequence[float]]
"""The same without the seeds."""


@dataclass(frozen=True)
class OtherTasks:
    """What some tasks say about tasks like them, where each task is one observation.

    Attributes:
        num_tasks: Number of tasks.
        tasks_needed: Fewest tasks with which a verdict is possible.
        num_above: Tasks whose typical seed is higher than the baseline's.
        num_below: Tasks in which it is lower.
        p_corrected: Two-sided p of the typical task after Holm's correction over the arms; nan with too few tasks.
        verdict: better or worse (higher or lower where no direction is better), cannot tell, or too few tasks; not
            judged where the seeds are not, or were added without a plan.
    """

    num_tasks: int
    tasks_needed: int
    num_above: int = 0
    num_below: int = 0
    p_corrected: float = math.nan
    verdict: str = TOO_FEW_TASKS


def pooled_rule(rules: Sequence[VerdictRule], num_looks: int) -> VerdictRule:
    """Return the rule for verdicts on several tasks together, from the rule of each.

    At planned checks each look has its part of 5 %, which is right whatever decides when the last one is (Bonferroni).

    Args:
        rules: The rule for the seeds of each task.
        num_looks: At how many checks the tasks may be looked at.

    Example:
        >>> pooled_rule([FIXED, FIXED], 1) == FIXED, pooled_rule([VerdictRule("check", 0.0123)] * 2, 4).level
        (True, 0.0125)
    """
    not_yet = next((rule for rule in rules if rule.why_not), None)
    if not_yet or ANY_TIME in rules:
        return not_yet or ANY_TIME
    is_checked = any(rule.kind == "check" for rule in rules)
    return VerdictRule("check", ALPHA / num_looks) if is_checked else FIXED


def pooled_effect(metric: str, tasks: Tasks, *, is_ratio: bool, rule: VerdictRule = FIXED) -> Effect:
    """Return the effect on all seeds of all tasks together, without a verdict yet, and without a mean.

    Args:
        metric: The metric's name.
        tasks: Paired differences of each task, as ``paired_effect`` takes those of one.
        is_ratio: Whether they are differences of logarithms.
        rule: How verdicts are made.
    """
    values = [list(task.values()) for task in tasks]
    p, side, low, high = _together(values, rule)
    above, below = sign_counts(np.concatenate(values))
    write = exp if is_ratio else float
    return Effect(
        metric=metric,
        is_ratio=is_ratio,
        n=sum(map(len, values)),
        value=write(pooled_estimate(values)),
        low=write(low),
        high=write(high),
        p=p,
        num_above=int(above),
        num_below=int(below),
        by_seed={},
        side=side,
        rule=rule,
    )


def _together(values: Values, rule: VerdictRule) -> tuple[float, Side, float, float]:
    """Return p, side and interval of all tasks together."""
    if not _is_ranked(rule):
        found = judge_differences(_rounds(values), 0.0, rule)
        return found.p, found.side, found.low, found.high
    ps = pooled_sides(values, 0.0, rule)
    side: Side = "below" if ps[1] < ps[0] else "above"
    return min(ps), (side if min(ps) <= rule.level else ""), *pooled_ends(values, rule)


def pooled_sides(values: Values, margin: float, rule: VerdictRule) -> tuple[float, float]:
    """Return the two-sided p for "above the margin" on all tasks together, and for "below", as ``side_ps`` of one task.

    At any time it is the sign e-process, over the first seed of each task, the second of each, and so on.
    """
    if not _is_ranked(rule):
        return side_ps(_rounds(values), margin, rule)
    above, below = pooled_p(values, margin)
    return float(above), float(below)


def pooled_inside(values: Values, low: float, high: float, rule: VerdictRule) -> float:
    """Return p of "between low and high" on all tasks together, compared with the rule's level."""
    if _is_ranked(rule):
        return float(pooled_inside_p(values, low, high))
    middle = (low + high) / 2
    return equality_p([value - middle for value in _rounds(values)], high - middle, rule)


def pooled_ends(values: Values, rule: VerdictRule) -> tuple[float, float]:
    """Return the interval that goes with a rule's level: the margins that all tasks together do not exclude."""
    if not _is_ranked(rule):
        found = judge_differences(_rounds(values), 0.0, rule)
        return found.low, found.high
    low, high = pooled_interval(values, rule.level)
    return float(low), float(high)


def _is_ranked(rule: VerdictRule) -> bool:
    return rule.kind in ("fixed", "check")


def _rounds(values: Values) -> list[float]:
    """Return the first seed of each task, the second of each, and so on."""
    return [one for each in zip_longest(*values) for one in each if one is not None]


def task_effects(
    metric: str, tasks: Tasks, better: Better, *, is_ratio: bool, rule: VerdictRule = FIXED
) -> list[Effect]:
    """Return the effect in each task; its verdict is the side on which it is found after correction over the tasks."""
    values = [list(task.values()) for task in tasks]
    sides = corrected_sides([side_ps(of, 0.0, rule) for of in values], rule.level)
    fewest = seeds_for_a_verdict(len(tasks))
    return [
        _with_side(_by_rule(paired_effect(metric, task, is_ratio=is_ratio), task, rule), side, p, fewest, better)
        for task, (side, p) in zip(tasks, sides, strict=True)
    ]


def _by_rule(effect: Effect, task: Mapping[int, float], rule: VerdictRule) -> Effect:
    found = judge_differences(list(task.values()), 0.0, rule)
    write = exp if effect.is_ratio else float
    return replace(effect, p=found.p, side=found.side, low=write(found.low), high=write(found.high), rule=rule)


def _with_side(effect: Effect, side: Side, p: float, fewest: int, better: Better) -> Effect:
    found = replace(effect, p_corrected=p)
    if effect.rule.why_not:
        return replace(found, verdict=effect.rule.why_not, seeds_needed=effect.rule.next_check)
    if effect.n < fewest:
        return replace(found, verdict=TOO_FEW, seeds_needed=fewest)
    return replace(found, verdict=verdict_word(side, better))


def judge_other_tasks(arms: Sequence[Tasks], better: Better, rules: Sequence[VerdictRule] = ()) -> list[OtherTasks]:
    """Return for each arm what its tasks say about others like them; an arm has the differences of every task.

    The p values are corrected by Holm's method over the arms, so with more arms more tasks are needed. Where seeds were
    added without a plan nothing is said: no test of the tasks is right whenever somebody looks at more seeds.

    Args:
        arms: The differences of each arm.
        better: Which way is better.
        rules: How verdicts are made on each arm; once if empty.
    """
    needed, level = max(FEWEST_TASKS, seeds_for_a_verdict(len(arms))), rules or [FIXED] * len(arms)
    found = [_typical_task(tasks, needed) for tasks in arms]
    corrected = holm([typical.p if typical else 1.0 for typical in found])
    return [
        _judged(typical, p, needed, better, rule) if typical else OtherTasks(len(tasks), needed)
        for tasks, typical, p, rule in zip(arms, found, corrected, level, strict=True)
    ]


def _typical_task(tasks: Tasks, needed: int) -> TypicalSeed | None:
    return tasks_like_these([list(task.values()) for task in tasks]) if len(tasks) >= needed else None


def _judged(typical: TypicalSeed, p: float, needed: int, better: Better, rule: VerdictRule) -> OtherTasks:
    found = OtherTasks(typical.n, needed, typical.num_above, typical.num_below, p)
    if rule == ANY_TIME or rule.why_not:
        return replace(found, p_corrected=math.nan, verdict=NOT_JUDGED)
    side: Side = typical.side if rule.decides(p) else ""
    return replace(found, verdict=verdict_word(side, better))
