"""The 95 % interval of a mean: by hand, and how often it holds the true mean."""

import math
import statistics

import numpy as np
import pytest

from normbench.evidence.metrics.scales import mean_interval

N = 8
NUM_STUDIES = 4_000  # a share of 0.95 is known to 0.7 percentage points (two standard errors)
STUDENT_2 = 4.302652729911275  # two-sided 95 % quantile with 2 degrees of freedom


def coverage(metric, samples, mean):
    """How often the interval holds the mean of the law that the samples are drawn from."""
    ends = [mean_interval(metric, sample.tolist()) for sample in samples]
    return sum(low <= mean <= high for low, high in ends) / len(ends)


@pytest.mark.parametrize("metric", ["test_accuracy", "test_loss"])
@pytest.mark.parametrize("std", [0.02, 0.2])
def test_normal_values_are_covered_19_times_out_of_20(metric, std):
    samples = np.random.default_rng(0).normal(1.0, std, (NUM_STUDIES, N))
    assert 0.93 <= coverage(metric, samples, 1.0) <= 0.97


@pytest.mark.parametrize("spread", [0.1, 0.5, 1.0])
def test_log_normal_losses_are_covered_19_times_out_of_20(spread):
    samples = np.exp(np.random.default_rng(1).normal(0.0, spread, (NUM_STUDIES, N)))
    assert 0.93 <= coverage("test_loss", samples, math.exp(spread**2 / 2)) <= 0.97


def test_students_t_alone_would_fall_short_for_log_normal_losses():
    samples = np.exp(np.random.default_rng(1).normal(0.0, 1.0, (NUM_STUDIES, N)))
    assert coverage("test_accuracy", samples, math.exp(0.5)) < 0.93


def test_students_t_by_hand():
    half = STUDENT_2 * 0.1 / math.sqrt(3)
    assert mean_interval("test_accuracy", [0.7, 0.8, 0.9]) == pytest.approx((0.8 - half, 0.8 + half))


def test_cox_by_hand():
    logs = [math.log(0.1), math.log(0.2), math.log(0.4)]
    middle, variance = statistics.fmean(logs), statistics.variance(logs)
    half = STUDENT_2 * math.sqrt(variance / 3 + variance**2 / 4)
    found = mean_interval("test_loss", [0.1, 0.2, 0.4])
    assert found == pytest.approx((math.exp(middle + variance / 2 - half), math.exp(middle + variance / 2 + half)))


def test_a_loss_of_zero_has_students_interval():
    assert mean_interval("test_loss", [0.0, 1.0, 2.0]) == mean_interval("test_accuracy", [0.0, 1.0, 2.0])


@pytest.mark.parametrize("values", [[], [1.0], [1.0, math.nan], [1.0, math.inf]])
def test_where_nothing_is_known_of_the_spread_the_interval_is_everything(values):
    assert mean_interval("test_loss", values) == (-math.inf, math.inf)


def test_the_interval_holds_the_mean_and_wild_losses_do_not_overflow():
    values = [1e-30, 1e-20, 1.0, 1e30]
    low, high = mean_interval("test_loss", values)
    assert low <= statistics.fmean(values) <= high == math.inf
