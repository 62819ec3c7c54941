"""The 95 % interval of a mean: by hand, and how often it holds the true mean."""

import math
import statistics

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from normbench.evidence.metrics.scales import is_accuracy, mean_interval, num_samples_of, plain_interval

N = 8
NUM_STUDIES = 4_000  # a share of 0.95 is known to 0.7 percentage points (two standard errors)
STUDENT_3 = 3.182446305284263
PLAIN = "weight.mean@fc1"
STUDENT_2 = 4.302652729911275  # two-sided 95 % quantile with 2 degrees of freedom


def coverage(metric, samples, mean):
    """How often the interval holds the mean of the law that the samples are drawn from."""
    ends = [mean_interval(metric, sample.tolist()) for sample in samples]
    return sum(low <= mean <= high for low, high in ends) / len(ends)


@pytest.mark.parametrize("metric", [PLAIN, "test_loss"])
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
    assert coverage(PLAIN, samples, math.exp(0.5)) < 0.93


def test_students_t_by_hand():
    half = STUDENT_2 * 0.1 / math.sqrt(3)
    assert mean_interval(PLAIN, [0.7, 0.8, 0.9]) == pytest.approx((0.8 - half, 0.8 + half))


def test_cox_by_hand():
    logs = [math.log(0.1), math.log(0.2), math.log(0.4)]
    middle, variance = statistics.fmean(logs), statistics.variance(logs)
    half = STUDENT_2 * math.sqrt(variance / 3 + variance**2 / 4)
    found = mean_interval("test_loss", [0.1, 0.2, 0.4])
    assert found == pytest.approx((math.exp(middle + variance / 2 - half), math.exp(middle + variance / 2 + half)))


def test_a_loss_of_zero_has_students_interval_from_zero_on():
    assert mean_interval("test_loss", [0.0, 1.0, 2.0]) == (0.0, mean_interval(PLAIN, [0.0, 1.0, 2.0])[1])


POSSIBLE = {"test_loss": (0, 1e9), "weight.std@fc1": (0, 1e9), "weight.zero_share@fc1": (0, 1), "test_accuracy": (0, 1)}


@pytest.mark.parametrize("interval", [mean_interval, plain_interval])
@pytest.mark.parametrize("metric", POSSIBLE)
@given(values=st.lists(st.integers(0, 50).map(lambda share: share / 50), min_size=4, max_size=9))
@settings(max_examples=20, deadline=None)
def test_no_interval_holds_what_the_metric_cannot_be(interval, metric, values):
    low, high = interval(metric, values)
    assert low == -math.inf or POSSIBLE[metric][0] <= low <= statistics.fmean(values) + 1e-12
    assert high == math.inf or statistics.fmean(values) - 1e-12 <= high <= POSSIBLE[metric][1]


@pytest.mark.parametrize("values", [[], [1.0], [1.0, math.nan], [1.0, math.inf]])
def test_where_nothing_is_known_of_the_spread_the_interval_is_everything(values):
    assert mean_interval("test_loss", values) == (-math.inf, math.inf)


def test_the_interval_holds_the_mean_and_wild_losses_do_not_overflow():
    values = [1e-30, 1e-20, 1.0, 1e30]
    low, high = mean_interval("test_loss", values)
    assert low <= statistics.fmean(values) <= high == math.inf


@pytest.mark.parametrize(("share", "num_samples"), [(0.5, 400), (0.9, 40), (0.9, 2000), (0.98, 400)])
def test_accuracies_are_covered_19_times_out_of_20(share, num_samples):
    rng = np.random.default_rng(2)
    centre = math.log(share / (1 - share))
    of_seeds = 1 / (1 + np.exp(-rng.normal(centre, 0.3, (NUM_STUDIES, N))))
    true = float((1 / (1 + np.exp(-rng.normal(centre, 0.3, 400_000)))).mean())
    samples = rng.binomial(num_samples, of_seeds) / num_samples
    ends = [mean_interval("test_accuracy", sample.tolist(), num_samples) for sample in samples]
    assert 0.93 <= sum(low <= true <= high for low, high in ends) / len(ends) <= 0.97


@pytest.mark.parametrize("num_samples", [1, 10, 400, None])
def test_an_accuracys_interval_stays_inside_and_holds_the_mean(num_samples):
    rng = np.random.default_rng(3)
    for _ in range(200):
        n, size = int(rng.integers(4, 12)), num_samples or 50
        values = (rng.binomial(size, rng.choice([0.01, 0.5, 0.99]), n) / size).tolist()
        low, high = mean_interval("best test_accuracy", values, num_samples)
        if min(values) == max(values):
            assert (low, high) == (-math.inf, math.inf)
        else:
            assert 0 <= low <= statistics.fmean(values) <= high <= 1


def test_an_accuracys_interval_by_hand():
    shares = [0.5, 0.6, 0.7, 0.8]
    logits = [math.log((10 * share + 0.5) / (10 * (1 - share) + 0.5)) for share in shares]
    half = STUDENT_3 * statistics.stdev(logits) / 2
    ends = [statistics.fmean(logits) - half, statistics.fmean(logits) + half]
    expected = [(11 / (1 + math.exp(-end)) - 0.5) / 10 for end in ends]
    assert mean_interval("test_accuracy", shares, 10) == pytest.approx(tuple(expected))


@pytest.mark.parametrize("values", [[0.9], [0.9, 0.95], [0.9, 0.95, 1.0], [0.9] * 8, [1.0] * 8])
def test_few_or_equal_accuracies_have_no_interval(values):
    assert mean_interval("test_accuracy", values, 100) == (-math.inf, math.inf)


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ("test_accuracy", True),
        ("best validation_accuracy", True),
        ("batch_statistics_test_accuracy", True),
        ("range_over optimizer.lr test_accuracy", True),
        ("steps_to 0.9 test_accuracy", False),
        ("change test_accuracy", False),
        ("argbest optimizer.lr test_accuracy", False),
        ("test_loss", False),
        ("weight.std@fc1", False),
    ],
)
def test_which_metrics_are_accuracies(metric, expected):
    assert is_accuracy(metric) is expected


def test_the_number_of_samples_is_that_of_the_split():
    summary = {"num_train": 10, "num_test": 400, "num_longer": 7}
    metrics = ("train_accuracy", "adapted_test_accuracy", "longer_accuracy", "validation_accuracy", "test_loss")
    assert [num_samples_of(metric, summary) for metric in metrics] == [10, 400, 7, None, None]
