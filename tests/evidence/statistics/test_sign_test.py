"""The sign test and the interval of a share: by hand, by scipy, and where nothing or all was seen."""

import math

import numpy as np
import pytest
from evidence.statistics.drawn_samples import samples
from hypothesis import given, settings

from normbench.evidence.statistics.verdicts.sign_test import clopper_pearson, fewest_agreeing, sign_test_p, upper_tail


@pytest.mark.parametrize(("n", "k"), [(6, 6), (8, 7), (16, 12), (64, 40), (1100, 600)])
def test_the_tail_agrees_with_scipy(n, k):
    from scipy.stats import binomtest

    assert upper_tail(n)[k] == pytest.approx(binomtest(k, n, alternative="greater").pvalue)


def test_the_tail_of_many_seeds_is_summed_from_whole_numbers():
    ways = [math.comb(1100, k) for k in range(1101)]
    assert upper_tail(1100).tolist() == [sum(ways[k:]) / 2**1100 for k in range(1101)]


@pytest.mark.parametrize(("n", "k"), [(5, 5), (6, 6), (8, 7), (12, 10), (16, 12), (32, 22)])
def test_the_seeds_that_must_agree_at_5_percent(n, k):
    assert fewest_agreeing(n, 0.05) == k


def test_ties_and_pairs_without_a_value_count_against_both_sides():
    assert [float(p) for p in sign_test_p([1.0, 1.0, 1.0, 0.0, math.nan])] == [0.5, 1.0]
    assert [float(p) for p in sign_test_p([0.92 - 0.91] * 4, 0.01)] == [1.0, 1.0]


def test_a_run_that_diverged_is_one_seed_like_any_other():
    assert sign_test_p([-math.inf, 1.0, math.inf]) == sign_test_p([-1.0, 1.0, 2.0])


@given(samples())
@settings(max_examples=50, deadline=None)
def test_the_other_sign_is_the_other_side(differences):
    above, below = sign_test_p(differences)
    assert sign_test_p(-np.array(differences)) == (below, above)


@pytest.mark.parametrize(("k", "n"), [(0, 8), (1, 16), (8, 16), (16, 16)])
def test_the_interval_of_a_share_agrees_with_scipy(k, n):
    from scipy.stats import binomtest

    expected = binomtest(k, n).proportion_ci(method="exact")
    assert clopper_pearson(k, n) == pytest.approx((expected.low, expected.high))
