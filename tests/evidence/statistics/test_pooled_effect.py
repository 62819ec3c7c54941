"""Verdicts on several tasks: these together by their seeds, others like them by the tasks, corrected over the arms."""

import math

import numpy as np
import pytest
from evidence.statistics.drawn_samples import samples
from hypothesis import given, settings

from normbench.evidence.statistics.paired_effect import judge_effects, paired_effect
from normbench.evidence.statistics.pooled_effect import TOO_FEW_TASKS, judge_other_tasks, pooled_effect

RNG = np.random.default_rng
NUM_DRAWS = 300
AT_MOST = 0.05 + 2.33 * math.sqrt(0.05 * 0.95 / NUM_DRAWS)  # one-sided 99 %


@given(samples(fewest=1))
@settings(max_examples=40, deadline=None)
def test_one_task_pooled_is_its_paired_effect(differences):
    pooled = pooled_effect("test_loss", [differences], is_ratio=True)
    alone = paired_effect("test_loss", dict(enumerate(differences)), is_ratio=True)
    names = ("n", "value", "low", "high", "p", "num_above", "num_below", "side")
    for name in names:
        assert getattr(pooled, name) == pytest.approx(getattr(alone, name), nan_ok=True) or (
            getattr(pooled, name) == getattr(alone, name)
        )


def test_three_tasks_find_together_what_none_finds_alone():
    tasks = [[-0.1, -0.2, -0.3]] * 3
    (found,) = judge_effects([pooled_effect("test_loss", tasks, is_ratio=True)], "lower")
    assert (found.verdict, found.p, found.n, found.num_below) == ("better", 2 / 2**9, 9, 9)
    assert found.value == pytest.approx(math.exp(-0.2))
    assert found.low < found.value < found.high < 1


def test_too_few_seeds_are_counted_over_all_tasks():
    (found,) = judge_effects([pooled_effect("test_loss", [[1.0, 2.0], [3.0, 4.0]], is_ratio=False)], "lower")
    assert (found.verdict, found.n, found.seeds_needed) == ("too few seeds", 4, 6)


def test_six_tasks_speak_of_one_arm_and_seven_are_needed_for_three():
    up = [RNG(seed).normal(3, 1, size=8) for seed in range(7)]
    (six,) = judge_other_tasks([up[:6]], "higher")
    assert (six.verdict, six.p_corrected, six.num_above, six.tasks_needed) == ("better", 2 / 64, 6, 6)
    assert [other.verdict for other in judge_other_tasks([up[:6]] * 3, "higher")] == [TOO_FEW_TASKS] * 3
    seven = judge_other_tasks([up] * 3, "lower")
    assert [(other.verdict, other.p_corrected) for other in seven] == [("worse", 3 * 2 / 128)] * 3
    assert judge_other_tasks([up[:5]], None)[0].verdict == TOO_FEW_TASKS


def test_tasks_on_both_sides_cannot_tell_of_others():
    tasks = [RNG(seed).normal(3, 0.1, size=30) * sign for seed, sign in enumerate([1, 1, 1, 1, 1, 1, -1])]
    (found,) = judge_other_tasks([tasks], None)
    assert (found.verdict, found.num_above, found.num_below) == ("cannot tell", 6, 1)


def test_tasks_whose_effects_cancel_are_called_alike_at_most_once_in_20():
    """Each task has an effect of its own, as often up as down: seeds find it, the tasks do not."""
    rng, said, found = RNG(1), 0, 0
    for _ in range(NUM_DRAWS):
        tasks = [rng.normal(effect, 1, size=8) for effect in rng.normal(0, 1, size=8)]
        said += judge_other_tasks([tasks], "higher")[0].verdict in ("better", "worse")
        found += pooled_effect("test_accuracy", tasks, is_ratio=False).p <= 0.05
    assert said / NUM_DRAWS <= AT_MOST
    assert found / NUM_DRAWS > 0.1
