"""The corrected resampled t: its numbers by hand, what it makes of ties and gaps, and what it says of several arms."""

import math

import numpy as np
import pytest

from normbench.evidence.statistics.best_on_new_data import best_on_new_data
from normbench.evidence.statistics.corrected_t import corrected_p, corrected_t, lower_bound, upper_bound
from normbench.evidence.statistics.seed_plan import SeedPlan
from normbench.evidence.statistics.verdict_rule import FIXED, equality_p, judge_differences, rule_on_new_data, side_ps

POINTS = [0.02, 0.05, 0.01, 0.04, 0.03, 0.02, 0.06, 0.01]
"""Mean 0.03; the squared deviations add up to 0.0024, so s^2 = 0.0024 / 7."""
T_975_DF_7, T_95_DF_7 = 2.364624251592785, 1.894578605061305
"""Quantiles of Student's t with 7 degrees of freedom."""


def test_eight_folds_by_hand():
    found = corrected_t(POINTS, overlap=1 / 7)
    error = math.sqrt((1 / 8 + 1 / 7) * 0.0024 / 7)
    assert error == pytest.approx(0.0095831484749991, rel=1e-12)
    assert (found.num_splits, found.value) == (8, pytest.approx(0.03, rel=1e-14))
    assert found.low == pytest.approx(0.03 - T_975_DF_7 * error, rel=1e-12)
    assert found.high == pytest.approx(0.03 + T_975_DF_7 * error, rel=1e-12)
    assert found.p == pytest.approx(0.016598218188623608, rel=1e-10)  # of t = 3.1304951684997055
    assert found.p_above == pytest.approx(found.p / 2)
    assert found.p_above + found.p_below == pytest.approx(1)


def test_one_sided_bounds_by_hand():
    error = math.sqrt((1 / 8 + 1 / 3) * 0.0024 / 7)
    assert float(lower_bound(POINTS, 1 / 3, 0.05)) == pytest.approx(0.03 - T_95_DF_7 * error, rel=1e-12)
    assert float(upper_bound(POINTS, 1 / 3, 0.05)) == pytest.approx(0.03 + T_95_DF_7 * error, rel=1e-12)


def test_an_interval_holds_the_margins_that_the_test_does_not_reject():
    found = corrected_t(POINTS, overlap=0.25)
    for end, outside in ((found.low, -1e-6), (found.high, 1e-6)):
        assert corrected_t(POINTS, 0.25, end + outside).p < 0.05 < corrected_t(POINTS, 0.25, end - outside).p


def test_more_splits_do_not_narrow_the_interval_below_what_the_overlap_leaves():
    spread = np.std(POINTS)
    found = corrected_t(np.tile(POINTS, 1000), overlap=1 / 3)
    assert (found.high - found.low) / 2 > 1.9 * spread * math.sqrt(1 / 3)


@pytest.mark.parametrize("values", [[], [0.1], [0.1, math.nan, 0.2], [0.1, math.inf, 0.2]])
def test_where_nothing_can_be_said_nothing_is(values):
    found = corrected_t(values, 0.25)
    assert (found.low, found.high, found.p, found.p_above, found.p_below) == (-math.inf, math.inf, 1.0, 1.0, 1.0)


def test_rounding_neither_makes_nor_breaks_a_tie_with_the_margin():
    assert corrected_t([0.92 - 0.91] * 6, 0.25, margin=0.01).p == 1.0
    assert corrected_t([0.0] * 6, 0.25).p == 1.0
    assert corrected_t([0.02] * 6, 0.25).p == 0.0


def test_a_least_spread_takes_the_place_of_a_smaller_one():
    found = corrected_t([1.0] * 8, 0.25, least_spread=0.5)
    half = T_975_DF_7 * math.sqrt(1 / 8 + 1 / 4) * 0.5
    assert (found.low, found.high) == (pytest.approx(1 - half), pytest.approx(1 + half))
    assert corrected_t(POINTS, 0.25, least_spread=0.001) == corrected_t(POINTS, 0.25)


def test_rows_of_an_array_are_tested_each_for_itself():
    rows = np.random.default_rng(0).normal(size=(5, 3, 8))
    above, below = corrected_p(rows, 0.2)
    assert above.shape == (5, 3)
    assert above[4, 2] == pytest.approx(corrected_t(rows[4, 2], 0.2).p_above)
    assert below[0, 1] == pytest.approx(corrected_t(rows[0, 1], 0.2).p_below)


def test_the_rule_for_new_data_tests_what_the_arrays_test():
    rule = rule_on_new_data(FIXED, 0.25, 1)
    found, told = corrected_t(POINTS, 0.25), judge_differences(POINTS, 0.0, rule)
    assert (told.value, told.p, told.low, told.high) == (found.value, found.p, found.low, found.high)
    assert told.side == ("above" if found.p <= 0.05 else "")
    assert side_ps(POINTS, 0.0, rule) == (pytest.approx(2 * found.p_above), 1.0)
    inside = max(corrected_t(POINTS, 0.25, -0.1).p_above, corrected_t(POINTS, 0.25, 0.1).p_below)
    assert equality_p(POINTS, 0.1, rule) == pytest.approx(inside)


def test_seeds_that_were_added_without_a_plan_share_five_percent():
    grown = SeedPlan("any time", (8, 16), tuple(range(16))).on_new_data(0.25)
    assert grown.rule(range(16)).level == pytest.approx(0.025)
    assert SeedPlan("once", (8,), tuple(range(8))).on_new_data(0.25).rule(range(8)).level == 0.05
    assert SeedPlan("once", (8,), tuple(range(8))).on_new_data(0.25).rule(range(7)).why_not == "incomplete"


def test_each_of_several_rivals_has_its_share_of_five_percent():
    values = np.random.default_rng(3).normal(size=(4, 8))
    found = best_on_new_data(values, 0.2)
    for arm, behind in enumerate(found.behind):
        rivals = [values[i] - values[arm] for i in range(4) if i != arm]
        assert behind == pytest.approx(max(float(upper_bound(rival, 0.2, 0.05 / 3)) for rival in rivals))
        is_beaten = any(float(corrected_p(rival, 0.2)[0]) <= 0.05 / 3 for rival in rivals)
        assert found.may_be_best[arm] is not is_beaten
