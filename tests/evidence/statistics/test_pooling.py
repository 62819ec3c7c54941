"""Several tasks: one task pooled is itself, ranks stay inside their task, and tasks that disagree are seen."""

from itertools import product

import numpy as np
import pytest
from evidence.statistics.drawn_samples import coarse, samples
from hypothesis import given, settings
from hypothesis import strategies as st

from normbench.evidence.statistics.verdicts.pooling import (
    corrected_sides,
    pooled_cdf,
    pooled_estimate,
    pooled_interval,
    pooled_p,
    tasks_like_these,
)
from normbench.evidence.statistics.verdicts.typical_seed import guarded_interval, guarded_p, pseudo_median

RNG = np.random.default_rng


def test_the_null_distribution_counts_the_signs_of_all_tasks():
    sums = [a + 2 * b + c + 2 * d + 3 * e for a, b, c, d, e in product((0, 1), repeat=5)]
    assert pooled_cdf((2, 3)).tolist() == [sum(found <= t for found in sums) / 32 for t in range(10)]


@given(samples(), coarse)
@settings(max_examples=40, deadline=None)
def test_one_task_pooled_is_the_verdict_on_it(differences, margin):
    assert pooled_p([differences], margin) == guarded_p(differences, margin)
    assert pooled_interval([differences]) == guarded_interval(differences)


@given(st.lists(samples(values=coarse, fewest=2, most=7), min_size=2, max_size=4), coarse)
@settings(max_examples=60, deadline=None)
def test_the_interval_is_the_margins_that_are_not_rejected(tasks, margin):
    low, high = pooled_interval(tasks)
    assert (min(pooled_p(tasks, margin)) > 0.05) == (low <= margin <= high)


@given(st.lists(samples(values=coarse, fewest=2, most=7), min_size=1, max_size=4))
@settings(max_examples=60, deadline=None)
def test_the_estimate_lies_where_both_sides_are_supported_alike(tasks):
    middle, (low, high) = pooled_estimate(tasks), pooled_interval(tasks)
    averages = [a / 2 + b / 2 - middle for task in tasks for i, a in enumerate(task) for b in task[i:]]
    above, below = (sum(side * average > 1e-9 for average in averages) for side in (1, -1))
    assert abs(above - below) <= len(averages) - above - below
    assert low <= middle <= high


def test_the_estimate_of_one_task_is_its_pseudo_median():
    assert pooled_estimate([[1.0, 2.0, 4.0, 9.0]]) == pseudo_median([1.0, 2.0, 4.0, 9.0])
    assert pooled_estimate([[-np.inf, 1.0, 2.0, 3.0], [1.5, 2.5]]) == 1.5  # the 7th of 13 averages


def test_the_scale_of_a_task_does_not_matter():
    tasks = [RNG(seed).normal(0.5, 1, size=8) for seed in range(3)]
    assert pooled_p([tasks[0], tasks[1] * 1000, tasks[2]]) == pooled_p(tasks)


def test_tasks_find_together_what_none_finds_alone():
    tasks = [[1.0, 2.0, 3.0]] * 3
    assert min(guarded_p(tasks[0])) == 0.25
    assert pooled_p(tasks)[0] == 2 / 2**9


def test_six_tasks_can_speak_of_tasks_like_them():
    tasks = [RNG(seed).normal(3, 1, size=8) * 10.0**seed for seed in range(6)]
    assert tasks_like_these(tasks[:5]) is None
    found = tasks_like_these(tasks)
    assert (found.n, found.side, found.p) == (6, "above", 2 / 64)
    assert tasks_like_these([*tasks[:5], -tasks[5]]).side == ""


def test_seeds_of_one_task_are_no_evidence_about_other_tasks():
    tasks = [RNG(seed).normal(5, 0.1, size=30) * sign for seed, sign in enumerate([1, 1, 1, 1, 1, -1])]
    assert (pooled_p(tasks)[0] <= 0.05, tasks_like_these(tasks).side) == (True, "")


@pytest.mark.parametrize(("same", "side"), [(0.5, ""), (1.0, "above"), (np.inf, "above")])
def test_tasks_without_spread_have_a_side_still(same, side):
    assert tasks_like_these([[same] * 8] * 6, margin=0.5).side == side


def test_the_sides_of_tasks_are_corrected_over_the_tasks():
    up, open_, down = [1.0] * 8, [1.0, -1.0] * 4, [-1.0] * 8

    def sides(*tasks):
        return [side for side, _ in corrected_sides([tuple(map(float, guarded_p(task))) for task in tasks], 0.05)]

    assert sides(up, open_, down) == ["above", "", "below"]
    assert sides(up, open_, open_) == ["above", "", ""]
    assert sides([1.0] * 6, open_, [-1.0] * 6) == ["", "", ""]  # p .03 of three tasks


def test_a_seed_that_counts_for_no_side_does_not_take_its_task_out():
    tasks = [[3.0, 4.0, 5.0, np.nan, 6.0, 4.5, 5.5, 3.5]] * 6
    assert tasks_like_these(tasks).side == "above"
    assert tasks_like_these([*tasks[:5], [np.nan] * 8]).num_above == 5
