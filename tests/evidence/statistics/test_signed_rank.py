"""Signed ranks: counted by hand, equal to scipy's where both are defined, and with infinite differences."""

import math
from itertools import product

import numpy as np
import pytest
from evidence.statistics.drawn_samples import samples
from hypothesis import given, settings

from normbench.evidence.statistics.verdicts.signed_rank import null_cdf, signed_rank_p
from normbench.evidence.statistics.verdicts.walsh import walsh_averages


@pytest.mark.parametrize("n", [1, 4, 9])
def test_the_null_distribution_counts_every_sign_pattern(n):
    sums = [sum(r for r, sign in enumerate(signs, 1) if sign) for signs in product((0, 1), repeat=n)]
    expected = [sum(found <= t for found in sums) / 2**n for t in range(n * (n + 1) // 2 + 1)]
    assert null_cdf(n).tolist() == expected


def test_the_null_distribution_is_exact_where_whole_numbers_are_larger_than_a_float_can_hold():
    counts = [1]
    for rank in range(1, 65):
        longer = counts + [0] * rank
        for t, count in enumerate(counts):
            longer[t + rank] += count
        counts = longer
    exact = [sum(counts[: t + 1]) / 2**64 for t in (0, 3, 500, 900)]
    assert null_cdf(64)[[0, 3, 500, 900]].tolist() == pytest.approx(exact, rel=1e-13)


def test_the_normal_law_beyond_continues_the_exact_one():
    from normbench.evidence.statistics.verdicts import signed_rank

    exact, normal = null_cdf(300), signed_rank._normal_cdf(300)
    assert np.abs(exact - normal).max() < 4e-4
    assert 0 < null_cdf(600)[0] < null_cdf(600)[-1] == pytest.approx(1)


@pytest.mark.parametrize("alternative", ["greater", "less"])
@pytest.mark.parametrize("n", [6, 11, 30])
def test_it_agrees_with_scipy(n, alternative):
    from scipy.stats import wilcoxon

    differences = np.random.default_rng(n).normal(0.3, 1, size=n)
    expected = wilcoxon(differences - 0.1, alternative=alternative, method="exact").pvalue
    assert signed_rank_p(differences, 0.1)[alternative == "less"] == pytest.approx(expected)


def test_rounding_breaks_no_tie():
    differences = [0.92 - 0.91, 0.93 - 0.92, 0.3 - 0.29, 0.08 - 0.07]
    assert len(set(differences)) > 1
    assert [float(p) for p in signed_rank_p(differences, 0.01)] == [1.0, 1.0]
    assert [float(p) for p in signed_rank_p([0.1 + 0.2, -0.3, 0.7, -0.7])] == [11 / 16, 11 / 16]


def test_one_huge_difference_hides_no_small_one():
    assert [float(p) for p in signed_rank_p([-1e15, 1e-5, 2e-5, 3e-5])] == [7 / 16, 11 / 16]


def test_ties_and_undefined_averages_count_for_neither_side():
    infinite = [math.inf, -math.inf, 1.0]
    assert np.isnan(walsh_averages(infinite)[0]).sum() == 1
    # averages: inf inf 1 above, -inf -inf below, one undefined
    assert [float(p) for p in signed_rank_p(infinite)] == [null_cdf(3)[3], null_cdf(3)[4]]
    assert [float(p) for p in signed_rank_p([math.nan] * 3)] == [1.0, 1.0]


def test_huge_and_tiny_differences_are_ranked_as_any_others():
    for size in (1e-290, 1.0, 1.7e307):
        assert signed_rank_p(np.array([1.0, 2.0, 3.0, -4.0]) * size)[0] == 7 / 16


@given(samples())
@settings(max_examples=60, deadline=None)
def test_the_other_sign_is_the_other_side(differences):
    above, below = signed_rank_p(differences)
    assert signed_rank_p(-np.array(differences)) == (below, above)


def test_rows_are_tested_one_by_one():
    rows = np.random.default_rng(0).normal(size=(2, 3, 7))
    together = np.array(signed_rank_p(rows, 0.2))
    alone = [[[float(p) for p in signed_rank_p(row, 0.2)] for row in block] for block in rows]
    assert np.array_equal(together, np.moveaxis(np.array(alone), -1, 0))
