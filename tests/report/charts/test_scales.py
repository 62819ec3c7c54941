"""Axes: numbers stay on them and in order, ticks are round and few, nothing impossible is on them."""

import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from normbench.report.charts.scales import Scale, spanning, tick_texts
from normbench.report.charts.squeezed import Squeezed, squeezed

NUMBERS = st.lists(st.floats(allow_nan=False, allow_subnormal=False), max_size=8)


@given(values=NUMBERS, is_log=st.sampled_from([None, True, False]))
@settings(max_examples=40, deadline=None)
def test_numbers_stay_on_the_axis_and_in_order(values, is_log):
    axis = spanning(values, 300.0, 10.0, is_log=is_log)
    found = [axis.at(value) for value in sorted(values)]
    assert all(10.0 - 1e-6 <= one <= 300.0 + 1e-6 for one in found)
    assert all(after <= before + 1e-6 for before, after in pairwise(found))
    ticks = [tick for tick in axis.ticks() if axis.holds(tick)]
    assert len(ticks) <= 11
    assert len(set(tick_texts(ticks, is_log=axis.is_log))) == len(ticks)


@given(values=st.lists(st.floats(0, 1, allow_subnormal=False), min_size=1, max_size=8))
@settings(max_examples=30, deadline=None)
def test_an_axis_of_shares_ends_at_0_and_1(values):
    axis = spanning(values, 0.0, 100.0, possible=(0.0, 1.0), is_log=False)
    assert 0.0 <= axis.low < axis.high <= 1.0
    assert all(axis.holds(value) for value in values)


def test_a_loss_has_no_axis_below_0_but_one_that_is_negative_itself_has():
    assert spanning([0.0, 0.5], 0, 1, possible=(0.0, math.inf)).low == 0.0
    assert spanning([-0.1, 0.5], 0, 1, possible=(0.0, math.inf)).low < -0.1


@pytest.mark.parametrize(
    ("ends", "is_log", "texts"),
    [
        ((0.0, 1.0), False, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        ((-4.9, 5.1), False, ["-4", "-2", "0", "2", "4"]),
        ((1e-6, 1.0), True, ["1e-6", "1e-4", "0.01", "1"]),
        ((0.4, 3.0), True, ["0.5", "1", "2"]),
        ((0.98, 1.03), True, ["0.98", "0.99", "1.00", "1.01", "1.02", "1.03"]),
    ],
)
def test_ticks_are_round(ends, is_log, texts):
    axis = Scale(*ends, 0.0, 1.0, is_log=is_log)
    assert tick_texts(axis.ticks(), is_log=is_log) == texts


def test_ranges_of_many_sizes_are_squeezed_and_stay_in_order():
    values = [-10.0, -0.01, 0.0, 0.01, 10.0]
    axis = squeezed(values, [20.0, 0.02], 0.0, 100.0)
    places = [axis.at(value) for value in values]
    assert isinstance(axis, Squeezed)
    assert axis.ticks() == [-10.0, 0.0, 10.0]
    assert places == sorted(places)
    assert places[3] - places[2] > 3  # on a linear axis 0.05
    assert isinstance(squeezed(values, [20.0, 2.0], 0.0, 100.0), Scale)
