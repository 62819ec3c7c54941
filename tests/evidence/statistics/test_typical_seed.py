"""The verdict on the typical seed: both parts must agree, its interval is its p turned round, skew is no trap."""

import math

import numpy as np
import pytest
from evidence.statistics.drawn_samples import coarse, samples
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from normbench.evidence.statistics.verdicts.sign_test import sign_test_p
from normbench.evidence.statistics.verdicts.signed_rank import signed_rank_p
from normbench.evidence.statistics.verdicts.typical_seed import (
    guarded_interval,
    guarded_p,
    lower_bound,
    one_sided_p,
    pseudo_median,
    smallest_p,
    typical_seed,
    upper_bound,
)
from normbench.evidence.statistics.verdicts.walsh import walsh_averages

ALPHAS = st.sampled_from([0.0125, 0.05, 0.2])


def test_p_is_the_larger_of_the_two_sided_ranks_and_half_the_two_sided_signs():
    differences = [3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, -1.0]
    assert (2 * signed_rank_p(differences)[0], sign_test_p(differences)[0]) == (4 / 256, 9 / 256)
    assert typical_seed(differences).p == 9 / 256
    assert typical_seed(differences).side == "above"


@pytest.mark.parametrize("n", range(1, 12))
def test_seeds_that_all_agree_give_the_smallest_p(n):
    found = typical_seed(np.arange(1.0, n + 1))
    assert (found.p, found.side) == (smallest_p(n), "above" if n >= 6 else "")


def breakpoints(differences):
    """Every margin at which p can change, and one between each two and beyond both ends."""
    averages, tolerance = walsh_averages(differences)
    known = np.concatenate([end[np.isfinite(end)] for end in (averages - tolerance, averages + tolerance)])
    beside = [np.nextafter(known, side) for side in (-math.inf, math.inf)]
    return np.unique(np.concatenate([known, *beside, [0.0, -1e9, 1e9]]))


@given(samples(), ALPHAS)
@settings(max_examples=120, deadline=None)
def test_the_interval_is_exactly_the_margins_that_are_not_rejected(differences, alpha):
    low, high = guarded_interval(differences, alpha)
    for margin in breakpoints(differences):
        kept = min(map(float, guarded_p(differences, margin))) > alpha
        assert kept == (low <= margin <= high), margin


@given(samples(), ALPHAS)
@settings(max_examples=60, deadline=None)
def test_a_bound_is_the_first_margin_that_its_one_sided_test_keeps(differences, alpha):
    low, high = lower_bound(differences, alpha, alpha), upper_bound(differences, alpha, alpha)
    for margin in breakpoints(differences):
        above, below = one_sided_p(differences, margin)
        assert ((above > alpha), (below > alpha)) == (margin >= low, margin <= high), margin


@given(samples(), ALPHAS)
@settings(max_examples=60, deadline=None)
def test_the_other_sign_mirrors_everything(differences, alpha):
    found, mirrored = typical_seed(differences, 0.5, alpha), typical_seed(-np.array(differences), -0.5, alpha)
    other = {"above": "below", "below": "above", "": ""}
    assert (found.side, found.p, found.failed) == (other[mirrored.side], mirrored.p, mirrored.failed)
    assert (found.low, found.high, found.num_above) == (-mirrored.high, -mirrored.low, mirrored.num_below)
    assert found.value == -mirrored.value or math.isnan(found.value)


@given(samples(), coarse, coarse)
@settings(max_examples=60, deadline=None)
def test_a_larger_margin_is_harder_to_be_above_and_easier_to_be_below(differences, first, second):
    (above, below), (above_more, below_more) = (guarded_p(differences, m) for m in sorted([first, second]))
    assert above <= above_more
    assert below >= below_more


@given(samples(), st.integers(0, 11))
@settings(max_examples=60, deadline=None)
def test_a_seed_that_turns_worse_or_undefined_never_speaks_for_above(differences, index):
    assume(index < len(differences))
    for worse in (-math.inf, math.nan):
        changed = [*differences[:index], worse, *differences[index + 1 :]]
        assert guarded_p(changed)[0] >= guarded_p(differences)[0] or math.isnan(differences[index])


@given(samples(values=coarse | st.sampled_from([math.inf, -math.inf])), ALPHAS)
@settings(max_examples=60, deadline=None)
def test_the_estimate_lies_in_its_interval(differences, alpha):
    found = typical_seed(differences, alpha=alpha)
    assert found.low <= found.value <= found.high or math.isnan(found.value)


def test_what_failed_is_named():
    few = [-1.0] * 5 + [10.0 + i for i in range(11)]
    assert (typical_seed(few).side, typical_seed(few).failed, typical_seed(few).num_above) == ("", "signs", 11)
    large = [-50.0, -60.0, -70.0, -80.0, *(1.0 + i for i in range(12))]
    assert (typical_seed(large).side, typical_seed(large).failed) == ("", "sizes")
    assert typical_seed([1.0, -1.0] * 4).failed == ""
    assert typical_seed([1.0] * 8).failed == ""
    assert typical_seed([-d for d in few]).failed == "signs"


@pytest.mark.parametrize(
    ("n", "most"), [(6, 0), (8, 0), (10, 0), (12, 1), (16, 1), (20, 2), (24, 3), (32, 5), (64, 12)]
)
def test_how_many_runs_may_diverge_while_the_others_still_decide(n, most):
    def decided(num_diverged):
        return typical_seed([-math.inf] * num_diverged + [1.0] * (n - num_diverged)).side == "above"

    assert decided(most)
    assert not decided(most + 1)


def test_the_pseudo_median_needs_values_on_one_side_at_least():
    assert pseudo_median([1.0, 2.0, 6.0]) == 2.75
    assert pseudo_median([math.inf] * 3) == math.inf
    assert math.isnan(pseudo_median([math.inf, -math.inf]))
    assert math.isnan(pseudo_median([math.nan]))
    assert pseudo_median([1.7e308, 1.7e308]) == pytest.approx(1.7e308)


def test_no_seed_and_too_few_seeds_leave_everything_open():
    for n in range(6):
        found = typical_seed([1.0] * n)
        assert (found.side, found.low, found.high) == ("", -math.inf, math.inf)


def test_the_median_of_a_skewed_law_is_called_above_or_below_at_most_5_percent():
    draws = np.random.default_rng(0).exponential(size=(2000, 12))
    above, below = guarded_p(draws, math.log(2))
    false = np.minimum(above, below) <= 0.05
    assert false.mean() < 0.05 + 2.5 * math.sqrt(0.05 * 0.95 / 2000)
    alone = 2 * np.minimum(*signed_rank_p(draws, math.log(2))) <= 0.05
    assert alone.mean() > false.mean()  # what the signs are for
