"""Effects between arms: values by hand, verdicts in both directions, corrections, and how often they err."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from normbench.evidence.metrics.differences import metric_effect
from normbench.evidence.metrics.diverged import Diverged
from normbench.evidence.statistics.corrections import holm, seeds_for_a_verdict
from normbench.evidence.statistics.paired_effect import judge_effects
from normbench.evidence.statistics.verdicts.typical_seed import typical_seed

NUM_STUDIES = 1000


def by_seed(values):
    return dict(enumerate(values))


def test_holm_corrects_step_by_step_and_keeps_the_order():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


@pytest.mark.parametrize(("k", "n"), [(1, 6), (3, 7), (6, 8), (12, 9)])
def test_the_seeds_a_verdict_needs_grow_with_the_comparisons(k, n):
    assert seeds_for_a_verdict(k) == n


def test_losses_are_compared_by_their_ratio():
    found = metric_effect("test_loss", by_seed([1.0, 2.0, 4.0]), by_seed([2.0, 4.0, 8.0]))
    assert (found.is_ratio, found.value) == (True, pytest.approx(0.5))


def test_a_loss_of_zero_is_compared_by_the_difference():
    found = metric_effect("test_loss", by_seed([0.0, 1.0]), by_seed([1.0, 3.0]))
    assert (found.is_ratio, found.value) == (False, -1.5)


def test_only_seeds_that_both_arms_have_are_paired():
    found = metric_effect("test_accuracy", {0: 1.0, 1: 5.0, 7: 9.0}, {1: 4.0, 7: 8.0, 9: 0.0})
    assert (found.n, found.value, found.by_seed) == (2, 1.0, {1: 1.0, 7: 1.0})


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0.01, 100.0), min_size=1, max_size=12), st.sampled_from(["test_loss", "test_accuracy"]))
def test_an_effect_is_exactly_what_its_differences_say_on_the_typical_seed(values, metric):
    baseline = by_seed([1.0] * len(values))
    effect = metric_effect(metric, by_seed(values), baseline)
    logs = metric == "test_loss"
    found = typical_seed([math.log(value) if logs else value - 1.0 for value in values])
    write = math.exp if logs else float
    assert (effect.p, effect.n, effect.num_above, effect.num_below) == (
        found.p,
        found.n,
        found.num_above,
        found.num_below,
    )
    assert (effect.value, effect.low, effect.high) == tuple(map(write, (found.value, found.low, found.high)))


@pytest.mark.parametrize(
    ("shift", "better", "verdict"),
    [
        (1, "higher", "better"),
        (1, "lower", "worse"),
        (-1, "higher", "worse"),
        (-1, "lower", "better"),
        (1, None, "higher"),
    ],
)
def test_the_verdict_knows_which_way_is_better(shift, better, verdict):
    effect = metric_effect("test_accuracy", by_seed([shift + 0.1 * i for i in range(-4, 5)]), by_seed([0.0] * 9))
    found = judge_effects([effect], better)[0]
    assert (found.verdict, found.num_seeds_on("higher" if shift > 0 else "lower")) == (verdict, 9)


def test_too_few_seeds_get_no_verdict_but_a_number():
    found = judge_effects([metric_effect("test_loss", by_seed([0.5] * 5), by_seed([1.0] * 5))], "lower")[0]
    assert (found.verdict, found.seeds_needed) == ("too few seeds", 6)
    assert (found.low, found.high) == (0.0, math.inf)


def test_correction_can_take_a_verdict_back_and_says_so():
    effect = metric_effect("test_accuracy", by_seed([2.0, 1.0, 3.0, 4.0, 2.5, 1.5, 3.5, -0.5]), by_seed([0.0] * 8))
    alone = judge_effects([effect], "higher")[0]
    among = judge_effects([effect, replace(effect, p=0.5)], "higher")[0]
    assert (alone.verdict, alone.is_lost_to_correction) == ("better", False)
    assert (among.verdict, among.is_lost_to_correction) == ("cannot tell", True)


@pytest.mark.parametrize(
    ("last", "word"), [(1.5, "and on average"), (-5.0, "average open"), (-60.0, "MIXED"), (Diverged(0.0), "")]
)
def test_the_mean_only_adds_words(last, word):
    values = [1.0, 1.2, 0.9, 1.1, 1.3, 0.8, 1.0, 1.15, 1.05, 0.95, 1.0, 1.1, 0.9, 1.2, 1.0, last]
    found = judge_effects([metric_effect("test_accuracy", by_seed(values), by_seed([0.0] * 16))], "higher")[0]
    assert (found.verdict, found.mean_word) == ("better", word)


def test_an_arm_that_collapses_in_one_run_of_twenty_is_never_plainly_better():
    """Where a collapsed run is among the seeds, the words say that the average is open or on the other side."""
    rng = np.random.default_rng(2)
    for _ in range(300):
        baseline, arm = 0.9 + rng.normal(0, 0.001, (2, 32))
        arm += 0.004
        arm[rng.random(32) < 0.05] = 0.1
        found = judge_effects([metric_effect("test_accuracy", by_seed(arm), by_seed(baseline))], "higher")[0]
        if (arm < 0.5).any() and found.verdict == "better":
            assert found.mean_word in ("average open", "MIXED")


def studies(shift, n=8, num_arms=1):
    """Return the effects of many made-up studies; the shift is in stds of the differences."""
    draw = np.random.default_rng(0)
    for _ in range(NUM_STUDIES):
        shared = draw.normal(0, 3, size=n)
        baseline = shared + draw.normal(0, 0.5**0.5, size=n)
        arms = shared + shift + draw.normal(0, 0.5**0.5, size=(num_arms, n))
        yield [metric_effect("test_accuracy", by_seed(arm), by_seed(baseline)) for arm in arms]


def share_of_verdicts(shift, **settings):
    tables = (judge_effects(effects, "higher") for effects in studies(shift, **settings))
    return sum(any(found.verdict in ("better", "worse") for found in table) for table in tables) / NUM_STUDIES


@pytest.mark.parametrize("num_arms", [1, 3])
def test_at_most_one_null_study_in_twenty_gets_a_verdict(num_arms):
    """5 % plus three standard errors."""
    assert share_of_verdicts(0.0, num_arms=num_arms) <= 0.05 + 3 * (0.05 * 0.95 / NUM_STUDIES) ** 0.5


def test_an_effect_of_one_std_is_found_in_54_of_100_studies_of_eight_seeds():
    assert 0.51 <= share_of_verdicts(1.0) <= 0.57


@pytest.mark.parametrize("metric", ["test_accuracy", "test_loss"])
def test_the_interval_covers_the_truth_in_95_of_100_studies_or_more(metric):
    draw, covered = np.random.default_rng(0), 0
    for _ in range(NUM_STUDIES):
        baseline, arm = draw.normal(0, 1, size=(2, 8))
        arm = arm + 0.3
        if metric == "test_loss":
            baseline, arm = np.exp(baseline), np.exp(arm)
        found = metric_effect(metric, by_seed(arm), by_seed(baseline))
        covered += found.low <= (math.exp(0.3) if metric == "test_loss" else 0.3) <= found.high
    assert 0.94 <= covered / NUM_STUDIES <= 0.99


def test_losses_beyond_all_floats_leave_an_interval_without_end():
    values = {seed: 1e300 if seed % 2 else 1e-300 for seed in range(8)}
    found = metric_effect("test_loss", values, {seed: 1 / value for seed, value in values.items()})
    assert (found.low, found.high) == (0.0, math.inf)


@pytest.mark.parametrize(
    ("metric", "is_ratio"), [("at_train_loss 0.5 test_accuracy", False), ("steps_to 0.1 test_loss", True)]
)
def test_what_is_compared_by_ratios_is_told_by_the_column(metric, is_ratio):
    assert metric_effect(metric, {0: 0.5, 1: 0.6}, {0: 0.4, 1: 0.5}).is_ratio is is_ratio
