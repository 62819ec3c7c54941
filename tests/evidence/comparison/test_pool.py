"""Several tasks judged together: what is said of these tasks, of tasks like these, and where tasks disagree."""

import math

import numpy as np
import pytest
from made_up_tasks import TASKS, alike, make_tasks, pooled

from normbench.evidence.statistics.verdicts.pooling import pooled_interval, pooled_p


def test_an_arm_that_is_better_on_every_task_is_better_on_these_and_three_are_too_few_for_others():
    pool = pooled(make_tasks(alike(3, batch_norm=-0.4)))
    none, batch_norm = pool.arms
    assert (pool.tasks, pool.key, pool.baseline, none.effect) == (list(TASKS[:3]), "norm", "none", None)
    assert (batch_norm.verdict, batch_norm.effect.n, batch_norm.baseline) == ("better", 24, "none")
    assert batch_norm.effect.value == pytest.approx(math.exp(-0.4), abs=0.05)
    assert batch_norm.effect.low < batch_norm.effect.value < batch_norm.effect.high < 1
    assert (batch_norm.other_tasks.verdict, batch_norm.other_tasks.tasks_needed) == ("too few tasks", 6)
    assert [effect.verdict for effect in batch_norm.by_task] == ["better"] * 3
    assert 0 < none.score.value < batch_norm.score.value < 1


def test_the_numbers_are_those_of_the_differences_in_each_task():
    pool = pooled(make_tasks(alike(3, batch_norm=-0.1)))
    effect, tasks = pool.arms[1].effect, [list(of.by_seed.values()) for of in pool.arms[1].by_task]
    low, high = pooled_interval(tasks)
    assert effect.p == min(pooled_p(tasks))
    assert (effect.low, effect.high) == (math.exp(low), math.exp(high))
    assert effect.num_below == int((np.concatenate(tasks) < 0).sum())


def test_six_tasks_speak_of_tasks_like_them():
    other = pooled(make_tasks(alike(6, batch_norm=-0.4))).arms[1].other_tasks
    assert (other.verdict, other.num_tasks, other.num_below, other.p_corrected) == ("better", 6, 6, 2 / 64)


def test_one_task_of_six_on_the_other_side_leaves_these_better_and_others_open():
    effects = alike(6, batch_norm=-0.4) | {TASKS[0]: {"none": 0.0, "batch_norm": 0.03}}
    arm = pooled(make_tasks(effects)).arms[1]
    assert (arm.verdict, arm.other_tasks.verdict) == ("better", "cannot tell")


def test_tasks_on_both_sides_are_named_whatever_they_say_together():
    effects = alike(3, batch_norm=-0.8) | {TASKS[1]: {"none": 0.0, "batch_norm": 0.8}}
    arm = pooled(make_tasks(effects)).arms[1]
    assert arm.verdict == "depends on the task"
    assert [effect.verdict for effect in arm.by_task] == ["better", "worse", "better"]


def test_a_task_on_the_other_side_than_all_together_is_named_too():
    effects = alike(6, batch_norm=-0.11) | {TASKS[4]: {"none": 0.0, "batch_norm": 0.2}}
    arm = pooled(make_tasks(effects, name="e")).arms[1]
    assert (arm.effect.verdict, arm.verdict) == ("better", "depends on the task")
    assert [effect.verdict for effect in arm.by_task] == ["cannot tell"] * 4 + ["worse", "cannot tell"]


def test_equal_arms_cannot_be_told_apart():
    pool = pooled(make_tasks(alike(3, batch_norm=0.0, layer_norm=0.0)))
    assert [arm.verdict for arm in pool.judged] == ["cannot tell"] * 2


def test_the_arms_are_corrected_over_each_other():
    alone = pooled(make_tasks(alike(3, batch_norm=-0.05))).arms[1].effect
    among = pooled(make_tasks(alike(3, batch_norm=-0.05, layer_norm=0.0, group_norm=0.0), name="among"))
    ps = sorted(arm.effect.p for arm in among.judged)
    assert alone.p_corrected == alone.p
    assert min(arm.effect.p_corrected for arm in among.judged) == min(1, 3 * ps[0])
    assert {arm.other_tasks.tasks_needed for arm in among.judged} == {7}


def test_three_seeds_are_too_few_for_each_task_and_enough_for_all():
    arm = pooled(make_tasks(alike(3, batch_norm=-0.8), seeds=range(3))).arms[1]
    assert (arm.verdict, arm.effect.p) == ("better", 2 / 2**9)
    assert [(effect.verdict, effect.seeds_needed) for effect in arm.by_task] == [("too few seeds", 7)] * 3


@pytest.mark.parametrize("best", [-0.4, -5.0])
def test_a_diverged_run_is_the_worst_of_its_task_however_good_it_was(best):
    lost = {(TASKS[0], "batch_norm", seed) for seed in range(4)}
    kept, some = (
        pooled(make_tasks(alike(3, batch_norm=best), name=name, diverged=diverged)).arms[1]
        for name, diverged in (("kept", ()), ("some", lost))
    )
    assert (kept.effect.num_below, some.effect.num_below, some.num_diverged) == (24, 20, 4)
    assert [value for value in some.by_task[0].by_seed.values() if value == math.inf] == [math.inf] * 4
    assert [score for score in some.scores[0] if score == 0] == [0] * 4
    assert some.effect.p > kept.effect.p
    assert some.effect.high >= kept.effect.high


def test_a_seed_in_which_both_diverged_counts_for_no_side():
    lost = {(TASKS[0], norm, 0) for norm in ("none", "batch_norm")}
    effect = pooled(make_tasks(alike(2, batch_norm=-0.5), diverged=lost)).arms[1].effect
    assert (effect.n, effect.num_below, effect.num_above) == (16, 15, 0)


def test_where_a_task_was_not_learned_there_is_no_verdict():
    lost = {(TASKS[1], norm, seed) for norm in ("none", "batch_norm") for seed in range(5)}
    pool = pooled(make_tasks(alike(3, batch_norm=-0.5), diverged=lost))
    assert pool.judged == []
    assert pool.not_learned == ["gratings was not learned: 10 of 16 runs diverged."]
    assert pool.baseline == "none"
