"""Quantiles agree with numpy's, and those of histograms with those of the values, to the width of a bin."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from normbench.evidence.statistics.quantiles import histogram_quantiles, quantile_of

SHARES = (0.05, 0.25, 0.5, 0.75, 0.95)


@given(
    values=st.lists(st.floats(-1e6, 1e6, allow_subnormal=False), min_size=1, max_size=9),
    share=st.sampled_from([0.0, 1.0, 0.1, *SHARES]),
)
@settings(max_examples=40, deadline=None)
def test_they_are_numpys(values, share):
    assert quantile_of(values, share) == pytest.approx(float(np.quantile(values, share)), rel=1e-9, abs=1e-9)


def test_a_diverged_run_moves_the_upper_half_alone():
    values = [0.1, 0.2, 0.3, math.inf]
    assert [quantile_of(values, share) for share in (0.25, 0.5, 0.75)] == pytest.approx([0.175, 0.25, math.inf])


def test_those_of_histograms_are_the_values_to_a_bin():
    values = np.random.default_rng(0).normal(0, 1, (3, 2, 400))
    edges = np.linspace(-5, 5, 65)
    counts = np.apply_along_axis(lambda one: np.histogram(one, edges)[0], -1, values)
    lefts, rights = (np.broadcast_to(ends, counts.shape) for ends in (edges[:-1], edges[1:]))
    found = histogram_quantiles(counts, lefts, rights, SHARES)
    assert found.shape == (len(SHARES), 3, 2)
    assert np.abs(found - np.quantile(values, SHARES, axis=-1)).max() < 10 / 64
    assert np.isnan(histogram_quantiles(0 * counts, lefts, rights, SHARES)).all()
