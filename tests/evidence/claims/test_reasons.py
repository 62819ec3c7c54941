"""Why a claim cannot be told, by its interval; the effect that is told is found in four of five studies."""

from dataclasses import replace

import numpy as np
import pytest

from normbench.evidence.claims.expectations import Expectation
from normbench.evidence.claims.margin_test import ExpectationResult, judge_expectations
from normbench.evidence.claims.pooled_test import judge_pooled
from normbench.evidence.claims.reasons import NO_MARGIN_INSIDE, reason_of
from normbench.evidence.claims.verdict import ClaimVerdict
from normbench.evidence.claims.words import CANNOT_TELL, HOLDS, SMALLER
from normbench.evidence.statistics.seed_plan import JUDGED_ONCE

UNTESTED = ExpectationResult("a < b by 1", "test_accuracy", False, 0, *[float("nan")] * 3, (), 1.0, 1.0, "")


def judged(numbers, low=1.0, high=None, kind="less"):
    expected = Expectation(kind, (), low, high)
    (part,) = judge_expectations([(expected, dict(enumerate(numbers)))], [UNTESTED])
    return part


def verdict(*parts, **others):
    return ClaimVerdict("X", "says", {}, CANNOT_TELL, "study", "run", parts=parts, seeds=range(parts[0].n), **others)


def spread(n, middle, width=1.0):
    return middle + width * np.linspace(-1, 1, n)


@pytest.mark.parametrize(
    ("numbers", "kind"),
    [(spread(8, 1.1, 1.0), "at the margin"), (spread(8, 0.5, 4.0), "too dear")],
)
def test_one_margin_is_told_by_where_no_effect_lies(numbers, kind):
    part = judged(numbers)
    assert part.verdict == CANNOT_TELL
    assert reason_of(verdict(part)).kind == kind


@pytest.mark.parametrize(("numbers", "kind"), [(spread(8, 0.9), "at the margin"), (spread(8, 0.0, 5), "too dear")])
def test_two_ends_are_told_by_how_many_the_interval_holds(numbers, kind):
    assert reason_of(verdict(judged(numbers, -1.0, 1.0, "equal"))).kind == kind


def test_an_interval_that_holds_no_margin_is_not_said_to_hold_one():
    """By itself the first part is smaller than claimed; p of two parts is twice as large."""
    numbers = [*spread(7, -0.5, 0.4), 1.2]
    short = judged(numbers)
    assert (short.verdict, short.low < 0 < short.high < 1) == (SMALLER, True)
    found = reason_of(verdict(replace(short, verdict=CANNOT_TELL)))
    assert (found.text, found.found_with_80_percent) == (NO_MARGIN_INSIDE, None)
    each = judged([0.5] * 6, 0.0, 1.0, "range")
    assert each.verdict == HOLDS
    assert reason_of(verdict(replace(each, verdict=CANNOT_TELL))).text == NO_MARGIN_INSIDE


def test_what_cannot_be_judged_is_ill_posed():
    found = reason_of(verdict(judged(spread(8, 1.1)), why="most runs collapsed"))
    assert (found.kind, found.text, found.found_with_80_percent) == ("ill-posed", "most runs collapsed", None)
    few = replace(verdict(judged(spread(3, 1.1))), verdict="too few seeds")
    assert (few.parts[0].verdict, reason_of(few).kind) == ("too few seeds", "ill-posed")


def test_a_decided_claim_has_no_reason_and_a_dear_part_comes_first():
    assert reason_of(replace(verdict(judged(spread(8, 9.0))), verdict=HOLDS)) is None
    parts = judged(spread(8, 1.1)), judged(spread(8, 0.5, 4.0))
    found = reason_of(verdict(*parts))
    assert (found.kind, found.part) == ("too dear", 1)


def test_the_effect_that_is_told_is_found_in_four_of_five_studies():
    rng = np.random.default_rng(1)
    numbers = rng.normal(size=16)
    told = reason_of(verdict(judged(1.1 + (numbers - numbers.mean()) / numbers.std(ddof=1)))).found_with_80_percent
    found = [judged(rng.normal(told, 1.0, size=16)).verdict == HOLDS for _ in range(500)]
    assert np.mean(found) == pytest.approx(0.8, abs=0.06)


def test_so_are_equal_arms_within_the_half_width_that_is_told():
    """Of 12 seeds the sign test at 5 % asks for more than that of one side at 10 %."""
    rng = np.random.default_rng(2)
    numbers = rng.normal(size=12)
    part = judged((numbers - numbers.mean()) / numbers.std(ddof=1), -0.5, 0.5, "equal")
    told = reason_of(verdict(part)).found_with_80_percent
    found = [judged(rng.normal(size=12), -told, told, "equal").verdict == HOLDS for _ in range(500)]
    assert np.mean(found) == pytest.approx(0.8, abs=0.06)


def pooled(tasks):
    named = {f"t{i}": dict(enumerate(of)) for i, of in enumerate(tasks)}
    (part,) = judge_pooled([(Expectation("less", (), 1.0), named)], [UNTESTED], JUDGED_ONCE)
    return part


def test_so_is_an_effect_on_several_tasks_together():
    """The standard error is read off one interval, so that the mean of what 40 studies are told is tried here."""
    rng = np.random.default_rng(5)
    parts = [pooled(rng.normal(1.0, 1.0, size=(4, 8))) for _ in range(42)]
    told = [reason_of(verdict(part)).found_with_80_percent for part in parts if part.verdict == CANNOT_TELL]
    found = [pooled(rng.normal(np.mean(told), 1.0, size=(4, 8))).verdict == HOLDS for _ in range(300)]
    assert np.mean(found) == pytest.approx(0.8, abs=0.07)
