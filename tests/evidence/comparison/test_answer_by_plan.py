"""The answer obeys how seeds were asked for: once, at planned checks at their levels, or at any time."""

import math

import numpy as np
import pytest
from answers import answered, arm, shifted

from normbench.evidence.statistics.best_by_rule import above_by_rule, best_by_rule
from normbench.evidence.statistics.seed_plan import SeedPlan
from normbench.evidence.statistics.verdict_rule import ANY_TIME
from normbench.evidence.statistics.verdicts.best_of_k import best_of_k
from normbench.report.blocks.answer import answer_lines

CHECKS = SeedPlan("checks", (8, 16), tuple(range(16)))
ADDED = SeedPlan("any time", (8, 16), tuple(range(16)))
ONCE = SeedPlan("once", (16,), tuple(range(16)))


def drawn(n, k=2, number=0):
    rng = np.random.default_rng(number)
    return 0.5 + 0.02 * np.arange(k)[:, None] + rng.normal(0, 0.02, (k, n))


def only(plan, values, **more):
    rows = [arm(name, row.tolist()) for name, row in zip("abc", values, strict=False)]
    found = answered(*rows, plan=plan, **more)
    (cell,) = found.answer.cells
    return cell, answer_lines(found)[0]


def test_at_a_check_its_level_takes_the_place_of_5_percent():
    values = drawn(16)
    cell, _ = only(CHECKS, values)
    assert 0 < cell.rule.level < 0.05
    assert list(cell.behind.values()) == pytest.approx(best_of_k(values, cell.rule.level).behind)
    assert cell.behind["a"] > only(ONCE, values)[0].behind["a"]


@pytest.mark.parametrize(
    ("plan", "n", "text"),
    [
        (CHECKS, 12, "Cannot tell yet: 12 seeds are not at a check: the next one comes after 16."),
        (ONCE, 12, "Cannot tell yet: 12 of 16 seeds are there: no verdict before all are."),
    ],
)
def test_between_checks_and_before_all_seeds_are_there_is_no_answer(plan, n, text):
    cell, line = only(plan, drawn(n))
    assert (cell.taken, cell.beaten, cell.seeds_needed) == (None, (), None)
    assert line == text


def test_a_check_that_cannot_bound_any_distance_names_the_next():
    cell, line = only(SeedPlan("checks", (6, 16), tuple(range(6))), drawn(6))
    assert cell.taken is None
    assert line == "Cannot tell yet: 6 seeds are not at a check: the next one comes after 16."


def test_seeds_that_were_added_without_a_plan_are_judged_by_what_is_right_at_any_time():
    values = drawn(16)
    cell, _ = only(ADDED, values)
    assert cell.rule == ANY_TIME
    assert list(cell.behind.values()) == list(best_by_rule(values, ANY_TIME).behind)
    assert cell.behind["a"] >= only(ONCE, values)[0].behind["a"]
    ahead = np.array([shifted(0), shifted(0.03)])
    assert only(SeedPlan("any time", (6, 8), tuple(range(8))), ahead)[0].beaten == ("a",)


def test_the_order_in_which_seeds_were_added_counts():
    gaps = np.array([0.03] * 8 + [-0.03] * 8)
    values = np.array([np.zeros(16), gaps]) + 0.5
    first, last = (SeedPlan("any time", (8, 16), tuple(order)) for order in (range(16), reversed(range(16))))
    assert [only(plan, values)[0].beaten for plan in (first, last)] == [("a",), ("b",)]


def test_equal_within_a_margin_at_any_time_too():
    rng = np.random.default_rng(1)
    values = 0.5 + rng.normal(0, 0.02, 16) + rng.normal(0, 0.001, (2, 16))
    assert only(ADDED, values, margin=0.02)[0].equal_to
    assert not only(ADDED, values, margin=0.0001)[0].equal_to


def test_bounds_that_are_looked_at_after_every_seed_hold_19_times_out_of_20():
    wrong, studies = 0, 300
    for number in range(studies):
        values = np.random.default_rng(number).normal(size=(3, 24))
        looks = [end for n in (8, 12, 16, 20, 24) for end in best_by_rule(values[:, :n], ANY_TIME).behind[1:]]
        wrong += min(looks) < 0 or bool(above_by_rule(values, 0, ANY_TIME))  # arm 0 is as good as any
    assert wrong / studies <= 0.08  # 5 % for each of the two statements, which nearly coincide


def test_too_few_seeds_bound_nothing_at_any_time():
    values = np.array([shifted(0), shifted(0.1)])[:, :4]
    assert best_by_rule(values, ANY_TIME).behind == (math.inf, math.inf)
    assert only(SeedPlan("any time", (3, 4), (0, 1, 2, 3)), values)[0].seeds_needed == 7
