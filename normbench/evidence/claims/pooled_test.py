"""Tests the numbers of an expectation over several tasks: on these together, in each, and on tasks like these.

The rules are in docs/methods.md, "9. Several tasks".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from normbench.evidence.claims.expectations import Expectation
from normbench.evidence.claims.margin_test import ExpectationResult, num_held
from normbench.evidence.claims.tasks_found import OtherTasksFound, TaskFound
from normbench.evidence.claims.verdict_ps import VerdictPs, corrected_against, corrected_each, ps_of_margins
from normbench.evidence.claims.words import DEPENDS, HOLDS, OPPOSITE, SMALLER, TOO_FEW
from normbench.evidence.statistics.corrections import seeds_for_a_verdict
from normbench.evidence.statistics.pooled_effect import (
    NOT_JUDGED,
    TOO_FEW_TASKS,
    Values,
    pooled_ends,
    pooled_inside,
    pooled_rule,
    pooled_sides,
)
from normbench.evidence.statistics.seed_plan import SeedPlan
from normbench.evidence.statistics.student import exp
from normbench.evidence.statistics.verdict_rule import ANY_TIME, VerdictRule, equality_p, judge_differences, side_ps
from normbench.evidence.statistics.verdicts.pooling import FEWEST_TASKS, pooled_estimate, task_numbers
from normbench.evidence.statistics.verdicts.typical_seed import guarded_p, one_sided_p

NO_TEST = VerdictPs(1.0, 1.0, 1.0)
Numbers = Mapping[str, Mapping[int, float]]
"""The number of each seed, for each task."""


@dataclass(frozen=True)
class _Pooled:
    """One expectation with its numbers in each task, in the order in which the seeds were added, and how they judge."""

    expectation: Expectation
    tasks: Mapping[str, Sequence[float]]
    rule: VerdictRule

    @property
    def values(self) -> Values:
        return list(self.tasks.values())


def judge_pooled(
    numbers: Sequence[tuple[Expectation, Numbers]], untested: Sequence[ExpectationResult], plan: SeedPlan
) -> list[ExpectationResult]:
    """Test each expectation of a claim over all tasks, and give it its verdict.

    Args:
        numbers: Each expectation with its number per task and seed, logarithms where effects are ratios.
        untested: The same expectations in words, to be completed with test and verdict.
        plan: How the seeds were asked for, which decides how verdicts are made.
    """
    read = [_in_order(expectation, of, plan) for expectation, of in numbers]
    together = corrected_against([_together(one) for one in read])
    others = corrected_against([_typical_task(one) for one in read])
    judged = zip(read, untested, together, others, strict=True)
    return [_with_verdict(one, part, test, other, len(read)) for one, part, test, other in judged]


def _in_order(expectation: Expectation, numbers: Numbers, plan: SeedPlan) -> _Pooled:
    tasks = {task: [of[seed] for seed in plan.in_order(of)] for task, of in numbers.items()}
    num_looks = len(plan.counts) if plan.kind == "checks" else 1
    return _Pooled(expectation, tasks, pooled_rule([plan.rule(of) for of in numbers.values()], num_looks))


def _together(one: _Pooled) -> VerdictPs:
    return ps_of_margins(
        one.expectation,
        lambda margin: pooled_sides(one.values, margin, one.rule),
        lambda low, high: pooled_inside(one.values, low, high, one.rule),
    )


def _typical_task(one: _Pooled) -> VerdictPs:
    """Test tasks like these, of which each task is one observation: its number, measured from the margin."""
    if len(one.tasks) < FEWEST_TASKS:
        return NO_TEST

    def sides(margin: float) -> tuple[float, float]:
        above, below = guarded_p(task_numbers(one.values, margin))
        return float(above), float(below)

    def inside(low: float, high: float) -> float:
        above, _ = one_sided_p(task_numbers(one.values, low))
        _, below = one_sided_p(task_numbers(one.values, high))
        return max(float(above), float(below))

    return ps_of_margins(one.expectation, sides, inside)


def _in_task(one: _Pooled, values: Sequence[float]) -> VerdictPs:
    def inside(low: float, high: float) -> float:
        return equality_p([value - (low + high) / 2 for value in values], (high - low) / 2, one.rule)

    return ps_of_margins(one.expectation, lambda margin: side_ps(values, margin, one.rule), inside)


def _with_verdict(
    one: _Pooled, part: ExpectationResult, test: VerdictPs, other: VerdictPs, num_parts: int
) -> ExpectationResult:
    alone = [_in_task(one, of) for of in one.values]
    each, (verdict, p) = corrected_each(alone), _verdict(test, alone, one.rule, num_parts)
    found = replace(
        _with_numbers(one, part),
        p=p,
        p_corrected=p,
        by_task=[_task(one, task, ps, is_ratio=part.is_share) for task, ps in zip(one.tasks, each, strict=True)],
        other_tasks=_other_tasks(one, other),
        verdict=verdict,
    )
    if one.rule.why_not:
        return replace(found, verdict=one.rule.why_not, seeds_needed=one.rule.next_check)
    fewest = seeds_for_a_verdict(1)
    return replace(found, verdict=TOO_FEW, seeds_needed=fewest) if found.n < fewest else found


def _with_numbers(one: _Pooled, part: ExpectationResult) -> ExpectationResult:
    """Return an expectation with effect, interval and margins on all tasks together: of logarithms the ratios."""
    write = exp if part.is_share else float
    low, high = pooled_ends(one.values, one.rule)
    joined, ends = [value for of in one.values for value in of], (one.expectation.low, one.expectation.high)
    return replace(
        part,
        n=len(joined),
        effect=write(pooled_estimate(one.values)),
        low=write(low),
        high=write(high),
        margins=tuple(write(end) for end in ends if end is not None),
        num_held=num_held(one.expectation, joined),
        level=one.rule.level,
    )


def _verdict(together: VerdictPs, alone: Sequence[VerdictPs], rule: VerdictRule, num_parts: int) -> tuple[str, float]:
    """Return the verdict on these tasks with its p; where one keeps the margin and another falls short, they disagree.

    Both must be found, so that p is the larger. Each can be found in any task or in all together, over which it is
    corrected (Holm); of a claim of several parts over these, too (Bonferroni).
    """
    every = corrected_each([together, *alone])
    torn = min(1.0, num_parts * max(min(ps.holds for ps in every), min(ps.short for ps in every)))
    if rule.decides(torn):
        return DEPENDS, torn
    verdict = together.verdict(rule)
    return verdict, together.p_of(verdict)


def _task(one: _Pooled, task: str, ps: VerdictPs, *, is_ratio: bool) -> TaskFound:
    values, write = one.tasks[task], exp if is_ratio else float
    found, verdict = judge_differences(values, 0.0, one.rule), ps.verdict(one.rule)
    if len(values) < seeds_for_a_verdict(len(one.tasks)) and verdict not in (HOLDS, OPPOSITE, SMALLER):
        verdict = TOO_FEW
    numbers = (len(values), write(found.value), write(found.low), write(found.high))
    return TaskFound(task, *numbers, ps.p_of(verdict), one.rule.why_not or verdict, num_held(one.expectation, values))


def _other_tasks(one: _Pooled, ps: VerdictPs) -> OtherTasksFound:
    held = sum(_is_held(one.expectation, of) for of in one.values)
    found = OtherTasksFound(len(one.tasks), FEWEST_TASKS, held, 1.0, TOO_FEW_TASKS)
    if len(one.tasks) < FEWEST_TASKS:
        return found
    if one.rule == ANY_TIME or one.rule.why_not:
        return replace(found, verdict=NOT_JUDGED)
    verdict = ps.verdict(one.rule)
    return replace(found, p_corrected=ps.p_of(verdict), verdict=verdict)


def _is_held(expectation: Expectation, values: Sequence[float]) -> bool:
    """Return whether the typical seed of a task keeps the margins."""
    return num_held(expectation, [pooled_estimate([values])]) == 1
