"""Which arm to take: by the smallest distance to the best, ties by cost, and who is beaten, equal or not told apart."""

import math
from dataclasses import replace

import numpy as np
import pytest
from answers import SEEDS, answered, arm, shifted

from normbench.evidence.comparison.answer import answer_of_arms
from normbench.evidence.metrics.diverged import Diverged
from normbench.evidence.statistics.seed_plan import SeedPlan
from normbench.evidence.statistics.verdicts.best_of_k import best_of_k, seeds_for_an_answer
from normbench.evidence.statistics.verdicts.equivalence import equivalence

METRICS = ("test_accuracy", "test_loss")


def only(comparison):
    """Return the one answer of a study without a second axis."""
    (cell,) = comparison.answer.cells
    return cell


def drawn(number, k, n, metric):
    rng = np.random.default_rng(number)
    gaps = rng.normal(0, 0.05, (k, 1))
    values = 0.5 + gaps + rng.normal(0, 0.04, n) + rng.normal(0, 0.03, (k, n))
    return np.exp(values) if metric == "test_loss" else values


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("number", range(12))
def test_it_says_what_best_of_k_says_of_the_arrays(metric, number):
    values = drawn(number, 4, 8, metric)
    cell = only(answered(*(arm(name, row.tolist(), metric) for name, row in zip("abcd", values, strict=True))))
    better = -np.log(values) if metric == "test_loss" else values
    found = best_of_k(better)
    behind = np.exp(found.behind) if metric == "test_loss" else np.array(found.behind)
    assert list(cell.behind.values()) == pytest.approx(behind)
    least = min(cell.behind, key=cell.behind.get)
    assert cell.taken == least or (least in cell.as_close and cell.tie_break)
    beaten = [name for name, best in zip("abcd", found.may_be_best, strict=True) if not best and name != cell.taken]
    assert list(cell.beaten) == beaten
    assert not set(cell.beaten) & {*cell.not_told_apart, cell.taken}


def test_every_arm_has_one_place():
    for number in range(12):
        values = drawn(number, 4, 8, "test_accuracy")
        rows = [arm(name, row.tolist()) for name, row in zip("abcd", values, strict=True)]
        cell = only(answered(*rows, margin=0.05))
        placed = [cell.taken, *cell.beaten, *cell.not_told_apart, *cell.equal_to]
        assert sorted(placed) == sorted(set(placed))
        assert {*placed, *cell.taken_beaten_by} == set("abcd")


def test_an_arm_that_is_ahead_in_every_seed_is_taken_by_its_lead():
    cell = only(answered(arm("a", shifted(0)), arm("b", shifted(0.03)), arm("c", shifted(-0.1))))
    assert (cell.taken, cell.beaten, cell.not_told_apart) == ("b", ("a", "c"), ())
    assert cell.behind == pytest.approx({"a": 0.03, "b": -0.03, "c": 0.13})


def test_losses_are_compared_by_ratio_and_lower_is_better():
    low, high = [0.1 * 1.1**seed for seed in SEEDS], [0.2 * 1.1**seed for seed in SEEDS]
    cell = only(answered(arm("high", high, "test_loss"), arm("low", low, "test_loss")))
    assert (cell.taken, cell.is_ratio) == ("low", True)
    assert cell.behind == pytest.approx({"low": 0.5, "high": 2.0})


def alternating(by):
    """Return accuracies that are above and below another arm's in turns, by the same amounts."""
    return [0.5 + 0.01 * seed + by * (-1) ** seed for seed in SEEDS]


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ({"collapsed": (1,)}, {}, ("b", "collapses", ("a",))),
        ({"parameters": 20}, {}, ("b", "parameters", ("a",))),
        ({"collapsed": (1,)}, {"parameters": 99}, ("b", "collapses", ("a",))),
        ({"collapsed": (50,), "parameters": 5}, {}, ("a", "parameters", ("b",))),
        ({}, {}, ("a", "", ())),
    ],
)
def test_of_arms_that_are_as_close_the_cheaper_is_taken(first, second, expected):
    cell = only(answered(arm("a", alternating(0.02), **first), arm("b", alternating(-0.02), **second)))
    assert (cell.taken, cell.tie_break, cell.as_close) == expected


def test_an_arm_that_is_clearly_closer_is_taken_whatever_it_costs():
    cell = only(answered(arm("a", shifted(0.05), parameters=1000, collapsed=(0,)), arm("b", shifted(0))))
    assert (cell.taken, cell.tie_break) == ("a", "")


def test_a_cycle_is_told():
    orders = [(2, 1, 0), (0, 2, 1), (1, 0, 2)] * 32  # each arm is above the next in two of three seeds
    sizes = np.repeat(10.0 ** np.linspace(-6, -1, 32), 3)  # of any size, so that ranks see the two of three
    values = 0.5 + np.array(orders).T * sizes
    cell = only(answered(*(arm(name, row.tolist()) for name, row in zip("abc", values, strict=True))))
    assert cell.is_cycle
    assert cell.taken is not None
    assert set(cell.beaten) == set("abc") - {cell.taken}
    assert len(cell.taken_beaten_by) == 1


@pytest.mark.parametrize(("k", "n"), [(2, 5), (3, 6), (4, 6), (5, 7)])
def test_with_too_few_seeds_it_says_how_many_are_needed(k, n):
    rows = [arm(f"arm{i}", shifted(i * 0.01)[: n - 1]) for i in range(k)]
    assert only(answered(*rows)).seeds_needed == n == seeds_for_an_answer(k)
    assert only(answered(*rows)).taken is None
    more = [arm(f"arm{i}", shifted(i * 0.01)[:n]) for i in range(k)]
    assert only(answered(*more)).taken == f"arm{k - 1}"


def plan(kind, *counts):
    return SeedPlan(kind, counts, SEEDS)


def test_checks_and_seeds_added_without_a_plan_bound_less_than_one_count_of_seeds():
    rows = [arm("a", shifted(0)), arm("b", alternating(0.02))]
    plans = (plan("once", 8), plan("checks", 8, 16, 32, 64), plan("any time", 6, 8))
    once, checked, grown = (only(answered(*rows, plan=one)) for one in plans)
    for name in "ab":
        assert once.behind[name] <= min(checked.behind[name], grown.behind[name])
    assert (once.rule.level, checked.rule.kind, grown.rule.kind) == (0.05, "check", "any time")


@pytest.mark.parametrize("one", [plan("checks", 6, 16), plan("once", 16)])
def test_seeds_that_are_not_judged_give_no_answer(one):
    cell = only(answered(arm("a", shifted(0)), arm("b", shifted(0.1)), plan=one))
    assert (cell.taken, cell.beaten, cell.seeds_needed, cell.rule.next_check) == (None, (), None, 16)


def test_an_arm_that_was_ever_above_stays_above():
    """Eight seeds of eight make E 57, above 20 for one rival; the three that follow do not take it back."""
    ahead = [*shifted(0.1), 0.1, 0.1, 0.1]
    one = SeedPlan("any time", (8, 11), tuple(range(11)))
    cell = only(answered(arm("a", [*shifted(0), 0.5, 0.5, 0.5]), arm("b", ahead), plan=one))
    assert (cell.taken, cell.beaten) == ("b", ("a",))


def test_only_seeds_that_all_arms_have_count():
    cell = only(answered(arm("a", shifted(0)), arm("b", shifted(0.03)), arm("c", [0.9], seeds=(7,))))
    assert (cell.seeds, cell.seeds_needed) == ((7,), 6)


def test_an_arm_without_a_number_is_left_out():
    broken = [math.nan, *shifted(0)[1:]]
    cell = only(answered(arm("a", shifted(0)), arm("b", shifted(0.03)), arm("c", broken)))
    assert (cell.arms, cell.taken) == (("a", "b"), "b")


def test_a_run_that_diverged_is_the_worst():
    diverged = [Diverged(0.99)] * 2 + shifted(0.2)[2:]
    cell = only(answered(arm("a", shifted(0)), arm("b", diverged)))
    assert cell.taken == "a"
    assert cell.behind["b"] == math.inf


def test_where_no_distance_is_bounded_nobody_is_taken():
    rows = [arm("a", [Diverged(0.5)] * 2 + shifted(0)[2:]), arm("b", shifted(0)[:-2] + [Diverged(0.5)] * 2)]
    cell = only(answered(*rows))
    assert (cell.taken, set(cell.behind.values())) == (None, {math.inf})


def test_no_answer_without_a_better_way_a_second_arm_or_a_second_seed():
    stds = [arm(name, shifted(by), "weight.std@fc1") for name, by in (("a", 0), ("b", 0.1))]
    assert answered(*stds).answer is None
    assert answered(arm("a", shifted(0))).answer is None
    assert answered(arm("a", [0.5]), arm("b", [0.6])).answer is None


def test_an_arm_most_of_whose_own_runs_collapsed_is_never_taken():
    half = len(SEEDS) // 2
    rows = [arm("a", shifted(1.0), collapsed=SEEDS[: half + 1]), arm("b", shifted(0.5)), arm("c", shifted(0))]
    cell = only(answered(*rows))
    assert (cell.taken, cell.passed_over) == ("b", ("a",))
    fewer = [arm("a", shifted(1.0), collapsed=SEEDS[:half]), *rows[1:]]
    assert (only(answered(*fewer)).taken, only(answered(*fewer)).passed_over) == ("a", ())


def test_no_answer_where_most_runs_collapsed():
    rows = [arm("a", shifted(0), collapsed=SEEDS), arm("b", shifted(0.1), collapsed=SEEDS[:1])]
    assert answered(*rows).answer is None


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("margin", [0.01, 0.03, 0.2, None])
def test_equal_only_within_a_stated_margin(metric, margin):
    values = drawn(3, 3, 8, metric)
    rows = [arm(name, row.tolist(), metric) for name, row in zip("abc", values, strict=True)]
    cell = only(answered(*rows, margin=margin))
    better = -np.log(values) if metric == "test_loss" else values
    taken = "abc".index(cell.taken)
    bound = None if margin is None else math.log1p(margin) if metric == "test_loss" else margin
    expected = [
        name
        for i, name in enumerate("abc")
        if i != taken and bound is not None and equivalence(better[taken] - better[i], bound, 0.05 / 2).is_equal
    ]
    assert list(cell.equal_to) == expected
    assert not set(expected) & {*cell.beaten, *cell.not_told_apart}


def test_a_margin_that_no_arm_keeps_makes_nothing_equal_and_a_wide_one_all():
    rows = [arm("a", shifted(0)), arm("b", shifted(0.03)), arm("c", shifted(-0.02))]
    assert only(answered(*rows, margin=0.001)).equal_to == ()
    assert only(answered(*rows, margin=0.2)).equal_to == ("a", "c")


def test_a_share_says_nothing_of_losses_that_are_not_positive():
    rows = [arm("a", [0.0] * 8, "test_loss"), arm("b", [0.0] * 8, "test_loss")]
    assert only(answered(*rows, margin=0.05)).equal_to == ()


def test_equal_labels_have_no_answer():
    assert answer_of_arms([arm("a", shifted(0)), arm("a", shifted(1))], "test_accuracy") is None


def test_arms_are_all_the_same_wherever_they_stand():
    values = drawn(5, 4, 8, "test_accuracy")
    rows = [arm(name, row.tolist()) for name, row in zip("abcd", values, strict=True)]
    here, there = only(answered(*rows)), only(answered(*rows[::-1]))
    assert replace(here, arms=(), beaten=(), not_told_apart=(), behind={}) == replace(
        there, arms=(), beaten=(), not_told_apart=(), behind={}
    )
    assert here.behind == there.behind


def test_a_standing_for_every_arm():
    found = answered(arm("a", shifted(0)), arm("b", shifted(0.03)), arm("c", alternating(0.4))).answer
    assert found.standing("b")[0] in ("taken", "not told apart")
    assert found.standing("nobody") is None
