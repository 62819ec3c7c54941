"""Tests the numbers of an expectation, one per seed: holds, opposite, smaller than claimed, or cannot tell.

The rules are in docs/methods.md, "6. Claims".
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from normbench.evidence.claims.expectations import Expectation
from normbench.evidence.claims.tasks_found import OtherTasksFound, TaskFound
from normbench.evidence.claims.verdict_ps import Inside, VerdictPs, corrected_against, ps_of_margins
from normbench.evidence.claims.words import CANNOT_TELL, DEPENDS, HOLDS, OPPOSITE, SMALLER, TOO_FEW
from normbench.evidence.statistics.corrected_t import FEWEST_SPLITS
from normbench.evidence.statistics.corrections import ALPHA, seeds_for_a_verdict
from normbench.evidence.statistics.seed_plan import JUDGED_ONCE, SeedPlan
from normbench.evidence.statistics.student import exp
from normbench.evidence.statistics.sweeps import rule_of_taus
from normbench.evidence.statistics.verdict_rule import (
    INCOMPLETE,
    NOT_AT_CHECK,
    VerdictRule,
    equality_p,
    judge_differences,
    side_ps,
)
from normbench.evidence.statistics.verdicts.sign_test import sign_counts


@dataclass(frozen=True)
class ExpectationResult:
    """One expectation of a claim with its test and verdict.

    Attributes:
        expectation: The expectation in words: "weight_decay < normal by 0.05".
        metric: The metric that is compared.
        is_share: Whether effect, interval and margins are ratios; else they are differences.
        n: Number of seeds; pooled over tasks that of all their runs.
        effect: Pseudo-median over seeds of the number that is compared with the margins; about new data its mean over
            the splits.
        low: Lower end of its interval: the margins with p above the level, which is 0.05 but at a planned check.
        high: Upper end of it.
        margins: One margin that the effect must exceed, or two that it must lie between.
        p: p of the verdict, or of the nearest one where none is given: "holds" at its own level.
        p_corrected: The same; that of "opposite" and "smaller than claimed" after Holm's correction over the parts.
        verdict: holds, opposite, smaller than claimed, cannot tell or too few seeds; not at a check, or incomplete,
            where so many seeds are not judged; depends on the task, where pooled ones disagree.
        num_held: Seeds whose own number is beyond the margin, or between the two.
        seeds_needed: Fewest seeds with which a verdict is possible, where there are too few; the number that is judged
            next, where these are not.
        is_points: Whether effect and margins are differences of accuracies, which are told in points.
        by_seed: The number of each seed as it was tested: logarithms of ratios; inf where a run diverged.
        level: What p is compared with: 0.05, or the level of a planned check.
        kind: What is expected: less, contrast, trend, range or equal; "" where version 0.1.0 judged it.
        by_task: What is found in each task, where it is pooled over tasks; then by_seed is empty.
        other_tasks: What is said of tasks like these, where it is pooled over tasks.
    """

    expectation: str
    metric: str
    is_share: bool
    n: int
    effect: float
    low: float
    high: float
    margins: tuple[float, ...]
    p: float
    p_corrected: float
    verdict: str
    num_held: int = 0
    seeds_needed: int | None = None
    by_seed: Mapping[int, float] = field(default_factory=dict)
    is_points: bool = False
    level: float = ALPHA
    kind: str = ""
    by_task: Sequence[TaskFound] = ()
    other_tasks: OtherTasksFound | None = None


def judge_expectations(
    numbers: Sequence[tuple[Expectation, Mapping[int, float]]],
    untested: Sequence[ExpectationResult],
    plan: SeedPlan = JUDGED_ONCE,
) -> list[ExpectationResult]:
    """Test each expectation of a claim and give it its verdict.

    All parts must hold, so each is tested at 5 %, or at the level of a planned check (intersection-union test; Berger,
    1982). One that does not hold is enough against the claim, so there p is corrected over the parts.

    Args:
        numbers: Each expectation with its number per seed, logarithms where effects are ratios.
        untested: The same expectations in words, to be completed with test and verdict.
        plan: How the seeds were asked for, which decides how verdicts are made.
    """
    ordered = [(expectation, {seed: of[seed] for seed in plan.in_order(of)}) for expectation, of in numbers]
    rules = [_rule_of(expectation, plan.rule(of, len(ordered))) for expectation, of in ordered]
    tests = [_test(e, list(of.values()), rule) for (e, of), rule in zip(ordered, rules, strict=True)]
    judged = zip(ordered, untested, tests, corrected_against(tests), rules, strict=True)
    return [_with_verdict(e, of, part, test, after, rule) for (e, of), part, test, after, rule in judged]


def _rule_of(expectation: Expectation, rule: VerdictRule) -> VerdictRule:
    return rule_of_taus(rule, expectation.num_places) if expectation.kind == "trend" else rule


def combined_verdict(verdicts: Sequence[str]) -> str:
    """Return the verdict of a claim from those of its expectations: it holds if all do, and fails if one does."""
    for failed in (OPPOSITE, SMALLER, DEPENDS):
        if failed in verdicts:
            return failed
    if all(verdict == HOLDS for verdict in verdicts):
        return HOLDS
    return next((word for word in (TOO_FEW, NOT_AT_CHECK, INCOMPLETE) if word in verdicts), CANNOT_TELL)


def _test(expectation: Expectation, numbers: Sequence[float], rule: VerdictRule) -> VerdictPs:
    if not numbers:
        return VerdictPs(1.0, 1.0, 1.0)
    if expectation.every and expectation.high is not None:
        return _test_every_run(numbers, expectation.low, expectation.high, rule)
    return ps_of_margins(expectation, lambda margin: side_ps(numbers, margin, rule), _inside(numbers, rule))


def _inside(numbers: Sequence[float], rule: VerdictRule) -> Inside:
    """Test for inside by two one-sided tests."""

    def p(low: float, high: float) -> float:
        middle, half = (low + high) / 2, (high - low) / 2
        return equality_p([number - middle for number in numbers], half, rule)

    return p


def _test_every_run(numbers: Sequence[float], low: float, high: float, rule: VerdictRule) -> VerdictPs:
    """Test that every run keeps the margins: one outside is enough; all inside reject that half of the runs do not."""
    if sign_counts(numbers, low)[1] or sign_counts(numbers, high)[0]:
        return VerdictPs(1.0, 0.0, 0.0)
    if any(map(math.isnan, numbers)) or rule.kind == "new data":  # splits of the same rows are no such test
        return VerdictPs(1.0, 1.0, 1.0)
    return VerdictPs(side_ps([1.0] * len(numbers), 0.0, rule)[0], 1.0, 1.0)


def _with_verdict(
    expectation: Expectation,
    by_seed: Mapping[int, float],
    part: ExpectationResult,
    test: VerdictPs,
    corrected: VerdictPs,
    rule: VerdictRule,
) -> ExpectationResult:
    verdict = corrected.verdict(rule)
    p, p_corrected = test.p_of(verdict), corrected.p_of(verdict)
    found = replace(_with_numbers(expectation, by_seed, part, rule), p=p, p_corrected=p_corrected)
    fewest = FEWEST_SPLITS if rule.kind == "new data" else seeds_for_a_verdict(1)
    is_refuted_by_one = expectation.every and p == 0
    if found.n < fewest and not is_refuted_by_one:  # splits that agree to the last digit have a p of 0, too
        return replace(found, verdict=TOO_FEW, seeds_needed=fewest)
    if rule.why_not:
        return replace(found, verdict=rule.why_not, seeds_needed=rule.next_check)
    return replace(found, verdict=verdict)


def _with_numbers(
    expectation: Expectation, by_seed: Mapping[int, float], part: ExpectationResult, rule: VerdictRule
) -> ExpectationResult:
    """Return an expectation with effect, interval and margins: of logarithms the ratios."""
    write = exp if part.is_share else float
    numbers = list(by_seed.values())
    interval = judge_differences(numbers, 0.0, rule)
    return replace(
        part,
        n=len(numbers),
        effect=write(interval.value),
        low=write(interval.low),
        high=write(interval.high),
        margins=tuple(write(end) for end in (expectation.low, expectation.high) if end is not None),
        num_held=num_held(expectation, numbers),
        by_seed=dict(by_seed),
        level=rule.level,
    )


def num_held(expectation: Expectation, numbers: Iterable[float]) -> int:
    """Return how many numbers keep their margins."""
    return sum(_is_held(expectation, number) for number in numbers)


def _is_held(expectation: Expectation, number: float) -> bool:
    """Return whether a number keeps its margins as the tests count it; one on a margin does so only for ``every``."""
    low, high = expectation.low, math.inf if expectation.high is None else expectation.high
    above, below = sign_counts([number], low)
    beyond, inside = sign_counts([number], high)
    if expectation.every:
        return not (below or beyond or math.isnan(number))
    return bool(above and (inside or expectation.high is None))
