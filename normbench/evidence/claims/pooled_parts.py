"""Reads and tests the expectations of a claim over its tasks, and tells why there is no verdict where there is none."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from normbench.evidence.claims.claim import Claim
from normbench.evidence.claims.expectations import Expectation
from normbench.evidence.claims.margin_test import ExpectationResult
from normbench.evidence.claims.numbers import number_by_seed, unreadable_metric
from normbench.evidence.claims.pooled_test import judge_pooled
from normbench.evidence.claims.unlearned import judge_learning, without_verdicts
from normbench.evidence.claims.untold import untold
from normbench.evidence.comparison.collapses import CollapseRule
from normbench.evidence.statistics.seed_plan import SeedPlan
from normbench.storage.run_folder import Arm

TaskArms = Mapping[str, Sequence[Arm]]


def pooled_parts(
    claim: Claim,
    logs: Sequence[Expectation],
    words: Sequence[ExpectationResult],
    arms: Sequence[Arm],
    seeds: Sequence[int],
    rule: CollapseRule,
    plan: SeedPlan,
) -> tuple[list[ExpectationResult], str]:
    """Return the tested expectations of a claim over its tasks, and why it has no verdict; "" where it has one.

    Args:
        claim: The claim.
        logs: Its expectations, with the logarithms of margins where effects are ratios.
        words: The same in words, to be completed with test and verdict.
        arms: The arms that it reads, of all tasks.
        seeds: The study's seeds.
        rule: What the study counts as a collapse.
        plan: How the seeds were asked for.
    """
    tasks = {task: [arm for arm in arms if arm.name in labels] for task, labels in claim.tasks.items()}
    numbers = [{task: number_by_seed(one, of, seeds) for task, of in tasks.items()} for one in logs]
    named = [replace(part, expectation=f"{part.expectation} on these {len(tasks)} tasks") for part in words]
    parts = judge_pooled(list(zip(logs, numbers, strict=True)), named, plan)
    unlearned = _first({task: judge_learning(claim.expectations, of, rule) for task, of in tasks.items()})
    parts = without_verdicts(parts, claim.expectations, rule) if unlearned else parts
    unread = {task: unreadable_metric(logs, [by_task[task] for by_task in numbers], of) for task, of in tasks.items()}
    parts = list(map(untold, parts)) if any(_is_empty(of) for one in numbers for of in one.values()) else parts
    return parts, unlearned or _first(unread)


def _is_empty(by_seed: Mapping[int, float]) -> bool:
    """Return whether a task has no number at all, so that nothing is said of all."""
    return all(map(math.isnan, by_seed.values()))


def _first(why: Mapping[str, str]) -> str:
    """Return the first reason with its task."""
    return next((f"{task}: {said}" for task, said in why.items() if said), "")
