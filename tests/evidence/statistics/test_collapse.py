"""Collapsed runs: counts, exact intervals, and a test that says nothing with few of them."""

import pytest

from normbench.evidence.statistics.verdicts.collapse import count_collapses, mcnemar_p


def test_both_arms_are_counted_with_their_intervals():
    found = count_collapses([True] + [False] * 15, [False] * 16)
    assert (found.n, found.first, found.second, found.p) == (16, 1, 0, 1.0)
    assert found.first_rate == pytest.approx((0.0016, 0.3023), abs=1e-4)
    assert found.second_rate == pytest.approx((0.0, 0.2059), abs=1e-4)


@pytest.mark.parametrize(("only_first", "only_second"), [(6, 0), (1, 7), (5, 5), (3, 4)])
def test_mcnemar_is_the_sign_test_of_the_seeds_that_differ(only_first, only_second):
    from scipy.stats import binomtest

    assert mcnemar_p(only_first, only_second) == pytest.approx(binomtest(only_first, only_first + only_second).pvalue)


def test_a_seed_at_which_both_collapse_says_nothing_of_their_difference():
    both = [True] * 5
    assert count_collapses([*both, *both, True], [*both, *both, False]).p == 1.0
    assert count_collapses([True] * 6 + [True], [False] * 6 + [True]).p == 2 / 64
