"""The interval of the mean: by its definition, as wide as Student's for normal samples, and what it adds in words."""

import math

import numpy as np
import pytest
from evidence.statistics.drawn_samples import coarse, samples
from hypothesis import given, settings

from normbench.evidence.statistics.student import mean_and_half_width
from normbench.evidence.statistics.verdicts.bootstrap_t import (
    NUM_RESAMPLES,
    _means_and_stds,
    _resamples,
    bootstrap_t_interval,
    mean_word,
)


def test_the_ends_are_quantiles_of_the_resampled_t():
    values = np.random.default_rng(3).normal(1, 2, size=10)
    drawn = values[np.random.default_rng(0).integers(0, 10, size=(NUM_RESAMPLES, 10))]
    ts = sorted((row.mean() - values.mean()) / (row.std(ddof=1) / math.sqrt(10)) for row in drawn)
    error = values.std(ddof=1) / math.sqrt(10)
    expected = (values.mean(), values.mean() - ts[1949] * error, values.mean() - ts[49] * error)
    assert bootstrap_t_interval(values) == pytest.approx(expected)


@pytest.mark.parametrize("n", [2, 9, 130, 1000])
def test_means_and_stds_of_resamples_are_numpys_to_the_bit(n):
    values = np.random.default_rng(n).normal(size=n)
    drawn = values[_resamples(n)]
    means, stds = _means_and_stds(values)
    assert np.array_equal(means, drawn.mean(axis=-1))
    assert np.array_equal(stds, drawn.std(axis=-1, ddof=1))


def test_it_is_about_as_wide_as_students_for_normal_samples():
    samples = np.random.default_rng(0).normal(size=(200, 16))
    widths = [np.diff(bootstrap_t_interval(sample)[1:])[0] for sample in samples]
    students = [2 * mean_and_half_width(sample.tolist())[1] for sample in samples]
    assert np.median(widths) == pytest.approx(np.median(students), rel=0.1)


@given(samples(values=coarse, fewest=2))
@settings(max_examples=40, deadline=None)
def test_it_moves_and_stretches_with_the_differences(differences):
    found = np.array(bootstrap_t_interval(differences))
    moved = np.array(bootstrap_t_interval(np.array(differences) * 4 + 8))
    assert np.where(np.isfinite(found), found * 4 + 8, found) == pytest.approx(moved, abs=1e-6)


@pytest.mark.parametrize("differences", [[], [1.0], [1.0, math.inf, 2.0], [1.0, math.nan]])
def test_without_a_finite_mean_nothing_is_known(differences):
    mean, low, high = bootstrap_t_interval(differences)
    assert (math.isnan(mean), low, high) == (True, -math.inf, math.inf)
    assert mean_word("above", 0.0, mean, low, high) == ""


def test_equal_and_huge_differences():
    assert bootstrap_t_interval([0.0] * 4) == (0.0, 0.0, 0.0)
    assert bootstrap_t_interval([3.0] * 4) == (3.0, 3.0, 3.0)
    assert bootstrap_t_interval([1e300, 1.7e308, 1e308])[0] == pytest.approx(0.9e308)


@pytest.mark.parametrize(
    ("side", "margin", "interval", "word"),
    [
        ("above", 1.0, (2.0, 1.5, 3.0), "and on average"),
        ("above", 1.0, (2.0, 0.5, 3.0), "average open"),
        ("above", 1.0, (0.9, 0.5, 3.0), "MIXED"),
        ("below", 1.0, (0.0, -1.0, 0.9), "and on average"),
        ("below", 1.0, (0.0, -1.0, 1.1), "average open"),
        ("below", 1.0, (1.1, -1.0, 2.1), "MIXED"),
        ("", 1.0, (2.0, 1.5, 3.0), ""),
    ],
)
def test_the_mean_adds_words_to_a_side_that_was_found(side, margin, interval, word):
    assert mean_word(side, margin, *interval) == word
