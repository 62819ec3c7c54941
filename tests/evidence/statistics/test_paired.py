"""Effects between arms: exact tests, corrections, verdicts, and how often they err."""

import math
from itertools import product

import numpy as np
import pytest

from normbench.evidence.metrics.scales import metric_effect
from normbench.evidence.statistics.corrections import holm, seeds_for_a_verdict
from normbench.evidence.statistics.paired_effect import Effect, judge_effects, sign_flip_p

NUM_STUDIES = 2000


def by_seed(values):
    return dict(enumerate(values))


def test_the_sign_flip_test_counts_every_pattern():
    differences = [0.3, -0.1, 0.7, 0.2, 0.5]
    sums = [abs(sum(s * d for s, d in zip(signs, differences, strict=True))) for signs in product((1, -1), repeat=5)]
    expected = sum(value >= abs(sum(differences)) - 1e-12 for value in sums) / 32
    assert sign_flip_p(differences) == expected


def test_it_agrees_with_scipy():
    from scipy.stats import permutation_test

    differences = np.random.default_rng(1).normal(0.4, 1, size=9)
    found = permutation_test(
        (differences,), lambda d, axis: d.mean(axis), permutation_type="samples", vectorized=True, n_resamples=np.inf
    )
    assert sign_flip_p(differences) == pytest.approx(found.pvalue)


@pytest.mark.parametrize(("n", "p"), [(3, 0.25), (5, 0.0625), (6, 0.03125), (8, 0.0078125)])
def test_equal_signs_give_the_smallest_p_there_is(n, p):
    assert sign_flip_p([1.0] * n) == p


def test_no_difference_at_all_is_no_evidence():
    assert sign_flip_p([0.0] * 8) == 1.0


def test_many_seeds_are_drawn_and_never_reach_zero():
    assert 0 < sign_flip_p([1.0] * 40) < 0.001


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


def test_accuracies_are_compared_by_their_difference_with_students_interval():
    """Differences 1, 2, 3: mean 2, std 1; t(2) = 4.3027, so 2 -+ 4.3027 / sqrt(3)."""
    found = metric_effect("test_accuracy", by_seed([2.0, 4.0, 6.0]), by_seed([1.0, 2.0, 3.0]))
    assert (found.value, found.low, found.high) == pytest.approx((2, 2 - 2.4841, 2 + 2.4841), abs=1e-4)
    assert found.size == 2


def test_only_seeds_that_both_arms_have_are_paired():
    found = metric_effect("test_accuracy", {0: 1.0, 1: 5.0, 7: 9.0}, {1: 4.0, 7: 8.0, 9: 0.0})
    assert (found.n, found.value) == (2, 1.0)


def effect(n=8, size=1.0, p=0.01):
    return Effect("test_loss", True, n, math.exp(size), 0, 1, size, p)


@pytest.mark.parametrize(
    ("size", "better", "verdict"),
    [
        (1, "higher", "better"),
        (1, "lower", "worse"),
        (-1, "higher", "worse"),
        (-1, "lower", "better"),
        (1, None, "higher"),
    ],
)
def test_the_verdict_knows_which_way_is_better(size, better, verdict):
    assert judge_effects([effect(size=size)], better)[0].verdict == verdict


def test_too_few_seeds_get_no_verdict_but_a_number():
    found = judge_effects([effect(n=5, p=0.0625)], "lower")[0]
    assert (found.verdict, found.seeds_needed) == ("too few seeds", 6)


def test_what_cannot_be_told_says_how_many_seeds_could():
    """An effect of half a std takes (1.96 + 0.84)^2 / 0.25 + 2 = 33.4 seeds."""
    found = judge_effects([effect(size=0.5, p=0.2)], "lower")[0]
    assert (found.verdict, found.seeds_needed) == ("cannot tell", 34)


def test_correction_can_take_a_verdict_back():
    alone = judge_effects([effect(p=0.03)], "higher")[0]
    among = judge_effects([effect(p=0.03), effect(p=0.5)], "higher")[0]
    assert (alone.verdict, among.verdict) == ("better", "cannot tell")


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
    """5 % plus three standard errors of 2,000 studies."""
    assert share_of_verdicts(0.0, num_arms=num_arms) <= 0.05 + 3 * (0.05 * 0.95 / NUM_STUDIES) ** 0.5


def test_an_effect_of_one_std_is_found_in_two_of_three_studies_of_eight_seeds():
    assert 0.62 <= share_of_verdicts(1.0) <= 0.70


@pytest.mark.parametrize("metric", ["test_accuracy", "test_loss"])
def test_the_interval_covers_the_truth_in_95_of_100_studies(metric):
    draw, covered = np.random.default_rng(0), 0
    for _ in range(NUM_STUDIES):
        baseline, arm = draw.normal(0, 1, size=(2, 8))
        arm = arm + 0.3
        if metric == "test_loss":
            baseline, arm = np.exp(baseline), np.exp(arm)
        found = metric_effect(metric, by_seed(arm), by_seed(baseline))
        covered += found.low <= (math.exp(0.3) if metric == "test_loss" else 0.3) <= found.high
    assert 0.93 <= covered / NUM_STUDIES <= 0.97


def test_losses_beyond_all_floats_leave_an_interval_without_end():
    found = metric_effect("test_loss", {0: 1e60, 1: 1.0}, {0: 1.0, 1: 1.0})
    assert (found.low, found.high) == (0.0, math.inf)


@pytest.mark.parametrize(
    ("metric", "is_ratio"), [("at_train_loss 0.5 test_accuracy", False), ("steps_to 0.1 test_loss", True)]
)
def test_what_is_compared_by_ratios_is_told_by_the_column(metric, is_ratio):
    assert metric_effect(metric, {0: 0.5, 1: 0.6}, {0: 0.4, 1: 0.5}).is_ratio is is_ratio
