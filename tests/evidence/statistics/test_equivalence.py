"""Equality within a margin: two one-sided tests, which are the 90 % interval inside the margins, in any law."""

import math

import numpy as np
import pytest
from evidence.statistics.drawn_samples import samples
from hypothesis import given, settings
from hypothesis import strategies as st

from normbench.evidence.statistics.verdicts.equivalence import equivalence, equivalence_p


def test_p_is_the_worse_of_both_sides():
    differences = [-0.2, 0.1, 0.3, -0.1, 0.2, 0.15, -0.3, 0.4]
    assert equivalence(differences, 0.35).p == 9 / 256  # 7 of 8 below
    assert equivalence(differences, 0.25).p == 37 / 256  # 6 of 8
    assert equivalence(differences, 1.0).p == 1 / 256


@given(samples(), st.integers(0, 8).map(lambda tenths: tenths / 10))
@settings(max_examples=60, deadline=None)
def test_arms_are_equal_where_the_interval_lies_inside_the_margins(differences, margin):
    found = equivalence(differences, margin)
    assert found.is_equal == (-margin < found.low and found.high < margin)


@pytest.mark.parametrize("bad", [math.inf, -math.inf, math.nan])
def test_runs_that_diverged_speak_against_equality(bad):
    assert equivalence([0.0] * 8, 1.0).is_equal
    assert not equivalence([0.0] * 6 + [bad] * 2, 1.0).is_equal


def test_a_difference_of_the_margin_is_rarely_called_equal_in_a_skewed_law():
    draws = np.random.default_rng(0).exponential(size=(2000, 12)) - math.log(2) + 1.0
    for sign in (1, -1):
        assert (equivalence_p(sign * draws, 1.0) <= 0.05).mean() < 0.05 + 2.5 * math.sqrt(0.05 * 0.95 / 2000)


def test_a_negative_margin_is_told():
    with pytest.raises(ValueError, match=r"^margin: must not be negative, got -1. Write the difference that still"):
        equivalence([1.0], -1)
