"""The largest bound over all rivals, and who is beaten: as if every pair of arms was looked at in full."""

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from normbench.evidence.statistics.verdicts.best_of_k import beaten_arms, beaten_by, rivals_of
from normbench.evidence.statistics.verdicts.largest_bound import largest_upper_bounds, num_above
from normbench.evidence.statistics.verdicts.typical_seed import upper_bound
from normbench.evidence.statistics.verdicts.walsh import walsh_averages


@st.composite
def arms(draw):
    """Arms of a study: with ties, diverged runs, far-apart sizes, or none of it."""
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    num_arms, n = draw(st.integers(2, 9)), draw(st.sampled_from([3, 8, 9, 20, 40]))
    values = (
        rng.normal(size=(num_arms, n))
        + rng.normal(size=n)
        + draw(st.sampled_from([0, 0.5])) * rng.normal(size=(num_arms, 1))
    )
    values = draw(
        st.sampled_from([values, np.round(values, 1), np.round(values), np.exp(30 * values), values * 1e-290])
    )
    return np.where(rng.random(values.shape) < draw(st.sampled_from([0.0, 0.0, 0.1])), -math.inf, values)


@given(arms(), st.sampled_from([0.05, 0.0123]), st.sampled_from([0.05, 0.01]))
@settings(max_examples=50, deadline=None)
def test_the_largest_bounds_are_those_of_all_pairs(values, rank_level, sign_level):
    every = [upper_bound(rivals_of(values, arm), rank_level, sign_level).max() for arm in range(len(values))]
    assert largest_upper_bounds(values, rank_level, sign_level) == every


@given(arms(), st.sampled_from([-math.inf, -1.0, 0.0, 0.5]))
@settings(max_examples=40, deadline=None)
def test_no_average_above_a_bound_is_missed(values, bound):
    rivals = rivals_of(values, 0)
    averages, tolerance = walsh_averages(rivals)
    is_above = np.isnan(averages) | (averages + tolerance > bound)
    assert (num_above(rivals, bound) >= is_above.sum(axis=-1)).all()


def test_far_from_the_bound_the_averages_above_it_are_counted():
    samples = np.random.default_rng(0).normal(size=(3, 30))
    averages, _ = walsh_averages(samples)
    assert num_above(samples, 0.25).tolist() == (averages > 0.25).sum(axis=-1).tolist()


@given(arms(), st.sampled_from([0.05, 0.01]))
@settings(max_examples=50, deadline=None)
def test_an_arm_is_beaten_if_some_arm_is_above_it(values, alpha):
    assert beaten_arms(values, alpha) == [bool(beaten_by(values, arm, alpha)) for arm in range(len(values))]


def test_many_arms_are_looked_at_in_blocks():
    rng = np.random.default_rng(5)
    values = rng.normal(size=(150, 12)) + rng.normal(size=12) + np.linspace(0, 3, 150)[:, None]
    beaten = beaten_arms(values)
    assert beaten[::9] == [bool(beaten_by(values, arm)) for arm in range(0, 150, 9)]
    assert 0 < sum(beaten) < 150
