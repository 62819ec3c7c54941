"""Verdicts on several tasks: these together by their seeds, others like them by the tasks, corrected over the arms."""

import math

import numpy as np
import pytest
from evidence.statistics.drawn_samples import samples
from hypothesis import given, settings

from normbench.evidence.statistics.paired_effect import judge_effects, paired_effect
from normbench.evidence.statistics.pooled_effect import (
    NOT_JUDGED,
    TOO_FEW_TASKS,
    judge_other_tasks,
    pooled_effect,
    pooled_rule,
    task_effects,
)
from normbench.evidence.statistics.verdict_rule import ANY_TIME, FIXED, VerdictRule, judge_differences

RNG = np.random.default_rng
NUM_DRAWS = 300
AT_MOST = 0.05 + 2.33 * math.sqrt(0.05 * 0.95 / NUM_DRAWS)  # one-sided 99 %


def by_seed(tasks):
    return [dict(enumerate(map(float, task))) for task in tasks]


@given(samples(fewest=1))
@settings(max_examples=40, deadline=None)
def test_one_task_pooled_is_its_paired_effect(differences):
    pooled = pooled_effect("test_loss", by_seed([differences]), is_ratio=True)
    alone = paired_effect("test_loss", dict(enumerate(differences)), is_ratio=True)
    names = ("n", "value", "low", "high", "p", "num_above", "num_below", "side")
    for name in names:
        assert getattr(pooled, name) == pytest.approx(getattr(alone, name), nan_ok=True) or (
            getattr(pooled, name) == getattr(alone, name)
        )


def test_three_tasks_find_together_what_none_finds_alone():
    tasks = by_seed([[-0.1, -0.2, -0.3]] * 3)
    (found,) = judge_effects([pooled_effect("test_loss", tasks, is_ratio=True)], "lower")
    assert (found.verdict, found.p, found.n, found.num_below) == ("better", 2 / 2**9, 9, 9)
    assert found.value == pytest.approx(math.exp(-0.2))
    assert found.low < found.value < found.high < 1


def test_too_few_seeds_are_counted_over_all_tasks():
    (found,) = judge_effects([pooled_effect("test_loss", by_seed([[1.0, 2.0], [3.0, 4.0]]), is_ratio=False)], "lower")
    assert (found.verdict, found.n, found.seeds_needed) == ("too few seeds", 4, 6)


def test_six_tasks_speak_of_one_arm_and_seven_are_needed_for_three():
    up = by_seed(RNG(seed).normal(3, 1, size=8) for seed in range(7))
    (six,) = judge_other_tasks([up[:6]], "higher")
    assert (six.verdict, six.p_corrected, six.num_above, six.tasks_needed) == ("better", 2 / 64, 6, 6)
    assert [other.verdict for other in judge_other_tasks([up[:6]] * 3, "higher")] == [TOO_FEW_TASKS] * 3
    seven = judge_other_tasks([up] * 3, "lower")
    assert [(other.verdict, other.p_corrected) for other in seven] == [("worse", 3 * 2 / 128)] * 3
    assert judge_other_tasks([up[:5]], None)[0].verdict == TOO_FEW_TASKS


def test_tasks_on_both_sides_cannot_tell_of_others():
    tasks = by_seed(RNG(seed).normal(3, 0.1, size=30) * sign for seed, sign in enumerate([1, 1, 1, 1, 1, 1, -1]))
    (found,) = judge_other_tasks([tasks], None)
    assert (found.verdict, found.num_above, found.num_below) == ("cannot tell", 6, 1)


def test_tasks_whose_effects_cancel_are_called_alike_at_most_once_in_20():
    """Each task has an effect of its own, as often up as down: seeds find it, the tasks do not."""
    rng, said, found = RNG(1), 0, 0
    for _ in range(NUM_DRAWS):
        tasks = by_seed(rng.normal(effect, 1, size=8) for effect in rng.normal(0, 1, size=8))
        said += judge_other_tasks([tasks], "higher")[0].verdict in ("better", "worse")
        found += pooled_effect("test_accuracy", tasks, is_ratio=False).p <= 0.05
    assert said / NUM_DRAWS <= AT_MOST
    assert found / NUM_DRAWS > 0.1


def test_each_task_is_corrected_over_the_tasks():
    up, open_, down = [1.0] * 8, [1.0, -1.0] * 4, [-1.0] * 8
    found = task_effects("test_accuracy", by_seed([up, open_, down]), "higher", is_ratio=False)
    assert [(one.verdict, one.p_corrected) for one in found] == [
        ("better", 3 * 2 / 256),
        ("cannot tell", 1.0),
        ("worse", 3 * 2 / 256),
    ]
    few = task_effects("test_accuracy", by_seed([up[:6]] * 3), "higher", is_ratio=False)
    assert [(one.verdict, one.seeds_needed) for one in few] == [("too few seeds", 7)] * 3


def test_the_rule_of_several_tasks_is_the_strictest_of_them():
    check, not_yet = VerdictRule("check", 0.0123), VerdictRule("no check", 0.0, 16)
    assert pooled_rule([FIXED, FIXED], 1) == FIXED
    assert pooled_rule([FIXED, check], 4) == VerdictRule("check", 0.0125)
    assert pooled_rule([check, ANY_TIME], 4) == ANY_TIME
    assert pooled_rule([ANY_TIME, not_yet], 4) == not_yet


def test_at_a_check_p_and_interval_are_compared_with_its_part_of_5_percent():
    tasks, check = by_seed([[-0.1, -0.2, -0.3], [-0.1, -0.2, -0.3]]), VerdictRule("check", 0.0125)
    once, checked = (pooled_effect("test_loss", tasks, is_ratio=True, rule=rule) for rule in (FIXED, check))
    assert (once.p, once.side, checked.p, checked.side) == (2 / 64, "below", 2 / 64, "")
    assert checked.low <= once.low
    assert checked.high >= once.high
    assert judge_effects([checked], "lower")[0].verdict == "cannot tell"


def test_seeds_added_without_a_plan_are_judged_by_the_signs_of_all_tasks_in_their_order():
    tasks = by_seed([[1.0, -5.0, 1.0], [2.0, 3.0, 4.0, 5.0]])
    found = pooled_effect("test_accuracy", tasks, is_ratio=False, rule=ANY_TIME)
    wanted = judge_differences([1.0, 2.0, -5.0, 3.0, 1.0, 4.0, 5.0], 0.0, ANY_TIME)
    assert (found.p, found.side, found.low, found.high) == (wanted.p, wanted.side, wanted.low, wanted.high)
    assert judge_other_tasks([by_seed([[1.0] * 8] * 7)], "higher", [ANY_TIME])[0].verdict == NOT_JUDGED


def test_seeds_that_are_not_judged_yet_have_no_verdict_in_any_statement():
    tasks, not_yet = by_seed([[1.0 + i for i in range(9)]] * 7), VerdictRule("incomplete", 0.0, 16)
    (together,) = judge_effects([pooled_effect("test_loss", tasks, is_ratio=False, rule=not_yet)], "lower")
    assert (together.verdict, together.p, together.seeds_needed) == ("incomplete", 1.0, 16)
    assert {one.verdict for one in task_effects("m", tasks, None, is_ratio=False, rule=not_yet)} == {"incomplete"}
    assert judge_other_tasks([tasks], "lower", [not_yet])[0].verdict == NOT_JUDGED


def looked_at(rng, rule_of, counts):
    """Whether equal arms on three tasks are told apart at any of these numbers of seeds."""
    drawn = rng.normal(0, 1, size=(3, counts[-1]))
    for n in counts:
        found = pooled_effect("m", by_seed(drawn[:, :n]), is_ratio=False, rule=rule_of(n))
        if found.rule.decides(found.p):
            return True
    return False


def test_four_looks_have_at_most_5_percent_false_verdicts_planned_or_not():
    rng, check = RNG(3), VerdictRule("check", 0.0125)
    for rule, counts in ((check, (4, 8, 16, 32)), (ANY_TIME, (3, 6, 12))):
        wrong = sum(looked_at(rng, lambda _, rule=rule: rule, counts) for _ in range(NUM_DRAWS))
        assert wrong / NUM_DRAWS <= AT_MOST, rule.kind
