"""How verdicts are made, read off what study.json keeps of the seeds that were asked for."""

import numpy as np
import pytest

from normbench.evidence.comparison.checks import read_seed_plan, seed_plan
from normbench.evidence.statistics.planned_checks.levels import check_levels
from normbench.evidence.statistics.verdict_rule import (
    ANY_TIME,
    FIXED,
    VerdictRule,
    judge_differences,
    judge_side,
    rule_once,
)
from normbench.storage.seed_history import Asked, add_to_history

PLAN = (8, 16, 32, 64)
PLANNED = Asked(tuple(range(64)), PLAN, ("a", "b"))


def count(n, arms=("a", "b")):
    return Asked(tuple(range(n)), (), arms)


def kinds(asked, *counts):
    plan = seed_plan(asked)
    return [plan.rule(range(n)).kind for n in counts]


def test_one_count_is_judged_once_with_all_of_its_seeds():
    plan = seed_plan([count(16)])
    assert plan.rule(range(16), 3) == FIXED
    assert [plan.rule(range(n)).next_check for n in (6, 15)] == [16, 16]
    assert kinds([count(16)], 6, 15, 17) == ["incomplete", "incomplete", "any time"]


def test_what_an_older_version_wrote_is_judged_as_it_is():
    assert kinds([], 1, 8, 11) == ["fixed"] * 3


def test_planned_checks_have_their_levels_and_nothing_is_judged_between():
    plan = seed_plan([PLANNED])
    for comparisons in (1, 3, 12):
        levels = check_levels(PLAN, comparisons)
        rules = [plan.rule(range(n), comparisons) for n in PLAN]
        assert [rule.level for rule in rules] == levels
        assert [rule.kind for rule in rules] == ["check" if level else "no check" for level in levels]
    assert [plan.rule(range(n)).next_check for n in (0, 7, 9, 63)] == [8, 8, 16, 64]
    assert plan.rule(range(8), 3).next_check == 16  # 8 seeds cannot decide among 3 comparisons
    assert kinds([PLANNED], 9, 63, 65) == ["no check", "no check", "any time"]


def test_a_level_of_0_never_decides():
    rule = seed_plan([PLANNED]).rule(range(8), 3)
    assert [rule.level, rule.decides(0.0)] == [0.0, False]


@pytest.mark.parametrize(
    "asked",
    [
        [count(8), count(16)],
        [count(16), count(8)],
        [count(8), Asked(tuple(range(8, 16)), (), ("a", "b"))],
        [count(8), PLANNED],
        [PLANNED, Asked(tuple(range(128)), (8, 16, 128), ("a", "b"))],
        [PLANNED, count(65)],
        [PLANNED, Asked(tuple(range(56, 64)), (), ("a", "b"))],
        [PLANNED, Asked(tuple(range(128)), PLAN, ("a", "b"))],
    ],
)
def test_seeds_added_without_a_plan_are_judged_by_a_test_that_is_right_at_any_time(asked):
    assert set(kinds(asked, 6, 8, 16, 64)) == {"any time"}


@pytest.mark.parametrize("later", [8, 12, 16, 64])
def test_a_count_within_the_plan_adds_no_look(later):
    assert kinds([PLANNED, count(later)], *PLAN) == ["check"] * 4


def test_a_seed_left_out_is_a_choice_and_gives_no_verdict():
    without_5 = [seed for seed in range(16) if seed != 5]
    for asked in ([PLANNED], [count(16)]):
        rule = seed_plan(asked).rule(without_5)
        assert (rule.kind, rule.decides(0.0)) == ("incomplete", False)
    other_8 = [*range(4), *range(8, 12)]
    assert seed_plan([PLANNED]).rule(other_8).next_check == 8


def test_what_was_asked_of_other_arms_is_no_look():
    content = {"seed_history": [one.to_json() for one in (count(8, ("x", "y")), count(16, ("b", "c")))]}
    assert [read_seed_plan(content, [arm]).kind for arm in "axb"] == ["once"] * 3
    assert read_seed_plan(content, ["x", "b"]).kind == "any time"


def test_seeds_stand_in_the_order_in_which_they_were_added():
    plan = seed_plan([Asked((7, 3)), Asked((0, 1, 2, 3, 7))])
    assert plan.in_order([0, 1, 2, 3, 7, 9]) == [7, 3, 0, 1, 2, 9]


def test_the_history_is_the_same_after_json():
    for one in (count(8), PLANNED, Asked((7, 3), (), ("a",))):
        assert read_seed_plan({"seed_history": [one.to_json()]}, ["a"]) == seed_plan([one])


def test_the_same_again_makes_no_entry():
    history = []
    for asked in (count(8), count(8), PLANNED, count(8, ("c",)), PLANNED):
        history = add_to_history(history, asked)
    assert [(len(one.seeds), one.check_after, one.arms) for one in history] == [
        (8, (), ("a", "b", "c")),
        (64, PLAN, ("a", "b")),
    ]


LOOKS = range(8, 33, 4)
LAWS = {
    "normal": lambda rng, size: rng.normal(size=size),
    "skewed": lambda rng, size: rng.lognormal(size=size) - 1.0,  # its median is 0
}


def false_verdicts(plans, draws):
    """Share of samples without effect in which some look gives a verdict, with the history that each look has."""
    found = 0
    for sample in draws:
        rules = ((n, plan.rule(range(n))) for n, plan in zip(LOOKS, plans, strict=True))
        found += any(rule.decides(judge_differences(sample[:n], 0.0, rule).p) for n, rule in rules)
    return found / len(draws)


@pytest.mark.parametrize("law", LAWS)
def test_a_study_that_grows_has_no_more_than_5_percent_false_verdicts(law):
    draws = LAWS[law](np.random.default_rng(3), (300, LOOKS[-1]))
    most = 0.05 + 2.5 * (0.05 * 0.95 / len(draws)) ** 0.5
    planned = [seed_plan([Asked(tuple(range(32)), tuple(LOOKS))])] * len(LOOKS)
    asked_again = [seed_plan([count(n) for n in LOOKS[: i + 1]]) for i in range(len(LOOKS))]
    forgotten = [seed_plan([count(n)]) for n in LOOKS]
    assert false_verdicts(planned, draws) <= most
    assert false_verdicts(asked_again, draws) <= most
    assert false_verdicts(forgotten, draws) > most


@pytest.mark.parametrize(
    "rule", [FIXED, VerdictRule("check", 0.0123), ANY_TIME, rule_once(7, 8), VerdictRule("new data", 0.05, overlap=0.2)]
)
@pytest.mark.parametrize("shift", [-0.8, 0.0, 0.8])
def test_the_side_alone_is_that_of_the_whole_verdict(rule, shift):
    sample = np.random.default_rng(3).normal(shift, 1, size=20)
    found = judge_differences(sample, 0.1, rule)
    assert judge_side(sample, 0.1, rule) == (found.p, found.side)
