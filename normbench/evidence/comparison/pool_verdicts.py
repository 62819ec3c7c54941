"""Judges each arm of several tasks against its baseline: all tasks together, each task, tasks like these.

The rules are in docs/methods.md, "9. Several tasks".
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from normbench.errors import ComparisonError
from normbench.evidence.comparison.effects import metric_by_seed
from normbench.evidence.comparison.pool_tasks import Place, Tasks
from normbench.evidence.metrics.differences import differences_of_tasks
from normbench.evidence.metrics.directions import direction
from normbench.evidence.statistics.paired_effect import Effect, judge_effects
from normbench.evidence.statistics.pooled_effect import (
    OtherTasks,
    judge_other_tasks,
    pooled_effect,
    pooled_rule,
    task_effects,
)
from normbench.evidence.statistics.verdict_rule import ANY_TIME, VerdictRule
from normbench.evidence.statistics.verdict_words import DEPENDS, on_these_rows

SIDES = ({"better", "worse"}, {"higher", "lower"})


@dataclass(frozen=True)
class ArmVerdicts:
    """What is found of one arm against its baseline.

    Attributes:
        effect: Effect on all seeds of all tasks together; its by_seed is empty, and it has no mean.
        by_task: Effect in each task; p and verdict are corrected over the tasks.
        verdict: The effect's, or "depends on the task" where a task is found on another side than another task, or
            than all together.
        other_tasks: What is said of tasks like these.
    """

    effect: Effect
    by_task: Sequence[Effect]
    verdict: str
    other_tasks: OtherTasks


@dataclass(frozen=True)
class _Differences:
    """An arm's paired differences in each task, in the order in which the seeds were added."""

    tasks: Sequence[Mapping[int, float]]
    is_ratio: bool
    rule: VerdictRule


def judge_arms(tasks: Tasks, pairs: Mapping[Place, Place], metric: str) -> dict[Place, ArmVerdicts]:
    """Judge each arm against its baseline; p values are corrected over the arms.

    Raises:
        ComparisonError: An arm and its baseline share no seed in some task, or several studies of which one was added
            to without a plan.
    """
    better, read = direction(metric), [_read(metric, tasks, *pair) for pair in pairs.items()]
    pooled = [pooled_effect(metric, one.tasks, is_ratio=one.is_ratio, rule=one.rule) for one in read]
    others = judge_other_tasks([one.tasks for one in read], better, [one.rule for one in read])
    by_task = [task_effects(metric, one.tasks, better, is_ratio=one.is_ratio, rule=one.rule) for one in read]
    found = zip(pairs, judge_effects(pooled, better), by_task, others, strict=True)
    judged = {place: ArmVerdicts(effect, of, _verdict(effect, of), other) for place, effect, of, other in found}
    is_finite = any(row.data for task in tasks.tasks for row in task.rows.values())
    return {place: _on_these_rows(one, tasks) if is_finite else one for place, one in judged.items()}


def _on_these_rows(found: ArmVerdicts, tasks: Tasks) -> ArmVerdicts:
    """Return what is found of an arm as found on these rows, where the seeds of a task are splits of the same rows.

    What is said of tasks like these stays: there each task is one number, whatever the splits in it share.
    """
    finite = [any(row.data for row in task.rows.values()) for task in tasks.tasks]
    by_task = [
        replace(effect, verdict=on_these_rows(effect.verdict)) if is_finite else effect
        for effect, is_finite in zip(found.by_task, finite, strict=True)
    ]
    effect = replace(found.effect, verdict=on_these_rows(found.effect.verdict))
    return replace(found, effect=effect, by_task=by_task, verdict=on_these_rows(found.verdict))


def _verdict(effect: Effect, by_task: Sequence[Effect]) -> str:
    words = {one.verdict for one in (effect, *by_task)}
    return DEPENDS if any(sides <= words for sides in SIDES) else effect.verdict


def _read(metric: str, tasks: Tasks, place: Place, base: Place) -> _Differences:
    rows = [(task.rows[place], task.rows[base]) for task in tasks.tasks]
    pairs = [(metric_by_seed(arm, metric), metric_by_seed(baseline, metric)) for arm, baseline in rows]
    found, is_ratio = differences_of_tasks(metric, pairs)
    plans = [task.comparison.seed_plan for task in tasks.tasks]
    for task, (arm, baseline), differences in zip(tasks.tasks, rows, found, strict=True):
        if not differences:
            rule = "every task must have seeds that an arm and its baseline share, got none"
            who = f"{arm.arm} and {baseline.arm} in {task.label}"
            raise ComparisonError(f"--pool: {rule} of {who}. Run both on the same seeds.")
    ordered = [{seed: of[seed] for seed in plan.in_order(of)} for plan, of in zip(plans, found, strict=True)]
    return _Differences(ordered, is_ratio, _rule(tasks, ordered))


def _rule(tasks: Tasks, differences: Sequence[Mapping[int, float]]) -> VerdictRule:
    """Return how verdicts are made on these seeds.

    Raises:
        ComparisonError: Seeds of one of several studies were added without a plan: the order of all is not known.
    """
    studies = [task.comparison for task in tasks.tasks]
    plans = {(study.runs_dir, study.study): study.seed_plan for study in studies}
    rules = [study.seed_plan.rule(of) for study, of in zip(studies, differences, strict=True)]
    grown = next((study.study for study, rule in zip(studies, rules, strict=True) if rule == ANY_TIME), "")
    if grown and len(plans) > 1:
        rule = f"several studies must have their seeds asked for at once or by a plan, got more seeds of {grown}"
        raise ComparisonError(f"--pool: {rule}. Pool it alone, or run its file under another name.")
    return pooled_rule(rules, math.prod(len(plan.counts) for plan in plans.values() if plan.kind == "checks"))
