"""The sign e-process: its formula, the seeds it needs, and that it is wrong in at most 5 % whenever one looks."""

import math

import numpy as np
import pytest
from evidence.statistics.drawn_samples import samples
from hypothesis import given, settings
from hypothesis import strategies as st

from normbench.evidence.statistics.best_by_rule import best_by_rule
from normbench.evidence.statistics.planned_checks.sign_e_process import (
    THRESHOLD,
    anytime_lower_bound,
    e_process_interval,
    e_process_side,
    e_values,
    fewest_signs,
    is_ever_above,
    reaches,
    sign_e_process,
)
from normbench.evidence.statistics.verdict_rule import ANY_TIME


@pytest.mark.parametrize(("k", "n"), [(0, 1), (8, 8), (3, 10), (45, 64), (400, 700)])
def test_it_is_the_sum_that_whole_numbers_give(k, n):
    total = sum(math.comb(n + 1, j) for j in range(k + 1))
    assert float(e_values(k, n)) == pytest.approx(total / ((n + 1) * math.comb(n, k)), rel=1e-9)


def test_thousands_of_seeds_are_as_much_evidence_as_a_float_can_hold():
    above, below = sign_e_process(np.ones(1200))
    assert (above[-1], below[-1]) == (math.inf, pytest.approx(0, abs=1e-300))


@pytest.mark.parametrize(
    ("k", "n"), [(8, 8), (9, 9), (11, 12), (14, 16), (17, 20), (20, 24), (25, 32), (35, 48), (45, 64), (66, 100)]
)
def test_the_seeds_that_must_agree(k, n):
    assert fewest_signs(n)[-1] == k


@pytest.mark.parametrize("n", [1, 5, 12])
def test_a_fair_coin_has_the_mean_1(n):
    assert sum(math.comb(n, k) * float(e_values(k, n)) for k in range(n + 1)) / 2**n == pytest.approx(1)


def test_ties_and_undefined_pairs_count_as_losses():
    above, below = sign_e_process([0.0, math.nan, 1.0])
    assert (above[-1], below[-1]) == (e_values(1, 3), e_values(0, 3))


def test_a_fair_coin_is_decided_in_at_most_5_percent_although_one_looks_after_every_seed():
    draws = np.random.default_rng(0).exponential(size=(2000, 64)) - math.log(2)
    above, below = sign_e_process(draws)
    reached = (above.max(axis=-1) >= 40) | (below.max(axis=-1) >= 40)
    assert 0.005 < reached.mean() < 0.05


@given(samples(most=24))
@settings(max_examples=60, deadline=None)
def test_the_interval_is_the_margins_that_were_never_decided_against(differences):
    low, high = e_process_interval(differences)
    known = [d for d in differences if math.isfinite(d)]
    for margin in [*known, *(m + 1e-3 for m in known), -1e9, 1e9]:
        largest = max(process.max() for process in sign_e_process(differences, margin))
        assert (largest < 40) == (low <= margin <= high), margin


def test_the_side_that_was_reached_first_stays():
    assert e_process_side([-1.0] * 8 + [1.0] * 60) == "below"
    assert e_process_side([]) == ""


def test_the_fewest_signs_are_found_among_all():
    for threshold in (THRESHOLD, 20.0, 980.0):
        counted = [int((e_values(np.arange(n + 1), n) < threshold).sum()) for n in range(1, 70)]
        assert fewest_signs(69, threshold) == tuple(counted)


@given(samples(fewest=2, most=24), st.sampled_from([0.0, 0.1, -0.3]))
@settings(max_examples=60, deadline=None)
def test_what_is_ever_decided_is_seen_from_counts(differences, margin):
    values = np.array(differences)
    assert is_ever_above(values, margin, 4.0) == (sign_e_process(values, margin)[0] >= 4).any()
    bound = anytime_lower_bound(values, 4.0)
    assert reaches(values, bound, 4.0) or bound == -math.inf
    assert bound == math.inf or not reaches(values, bound + max(1e-9, 1e-9 * abs(bound)), 4.0)


@pytest.mark.parametrize("share", [0.0, 0.1])
def test_at_any_time_the_distance_is_the_largest_of_all_bounds(share):
    rng = np.random.default_rng(8)
    values = rng.normal(size=(6, 40)) + np.linspace(0, 1, 6)[:, None]
    values = np.where(rng.random(values.shape) < share, -math.inf, values)
    found = best_by_rule(values, ANY_TIME)
    for arm in range(6):
        with np.errstate(invalid="ignore"):
            rivals = np.delete(values, arm, axis=0) - values[arm]
        bounds = [-anytime_lower_bound(-row, 5 / 0.05) for row in rivals]
        assert found.behind[arm] == max(bounds)
        above = [(sign_e_process(row)[0] >= 5 / 0.05).any() for row in rivals]
        assert found.may_be_best[arm] is not any(above)
