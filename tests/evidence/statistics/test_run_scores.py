"""Scores over tasks: known means of the middle half, tasks that weigh alike, and resamples that stay in their task."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import trim_mean

from normbench.evidence.statistics.run_scores import interquartile_mean, performance_profile, score_interval

RNG = np.random.default_rng
scores = st.integers(0, 20).map(lambda twentieths: twentieths / 20)


@pytest.mark.parametrize(
    ("values", "known"),
    [
        ([5, 8, 4, 38, 8, 6, 9, 7, 7, 3, 1, 6], 6.5),  # the middle six: 5 6 6 7 7 8
        ([1, 3, 5, 7, 9, 11, 13, 15, 17], 9.0),
        ([0, 1, 2, 3, 30], (0.75 + 2 * 1 + 3 * 0.75) / 2.5),  # of the runs at the quartiles 3/4 of one
        ([7], 7.0),
    ],
)
def test_the_interquartile_mean_of_one_task_is_known(values, known):
    assert float(interquartile_mean([values])) == pytest.approx(known, rel=1e-12)


@given(st.lists(st.lists(scores, min_size=4, max_size=4), min_size=1, max_size=5))
def test_with_quarters_of_whole_runs_it_is_the_mean_without_the_lowest_and_the_highest_quarter(tasks):
    assert float(interquartile_mean(tasks)) == pytest.approx(trim_mean(np.ravel(tasks), 0.25), abs=1e-12)


@given(st.lists(st.lists(scores, min_size=1, max_size=6), min_size=2, max_size=4), st.integers(2, 3))
@settings(max_examples=50, deadline=None)
def test_a_task_weighs_no_more_for_having_its_runs_several_times(tasks, times):
    longer = [tasks[0] * times, *tasks[1:]]
    assert float(interquartile_mean(longer)) == pytest.approx(float(interquartile_mean(tasks)), abs=1e-12)
    assert performance_profile(longer, [0.5]).shares == pytest.approx(performance_profile(tasks, [0.5]).shares)


def test_a_bad_quarter_of_the_runs_does_not_move_it():
    good = [0.8, 0.9, 0.85, 0.95]
    assert float(interquartile_mean([[0.0, *good[1:]]])) == pytest.approx(0.875)
    assert float(interquartile_mean([[-1e9, *good[1:]]])) == pytest.approx(0.875)


def test_resamples_stay_in_their_task():
    found = score_interval([[0.1] * 4, [0.5] * 4, [0.9] * 4])
    assert (found.low, found.value, found.high) == pytest.approx((0.5, 0.5, 0.5))
    profile = performance_profile([[0.1] * 4, [0.5] * 4, [0.9] * 4], [0.0, 0.1, 0.7])
    assert profile.lows == pytest.approx(profile.shares)
    assert profile.highs == pytest.approx([1, 2 / 3, 1 / 3])


def test_the_area_under_the_profile_is_the_mean_of_the_tasks():
    tasks = [RNG(seed).random(n) for seed, n in enumerate((3, 8, 5))]
    steps = sorted({0.0, *np.concatenate(tasks)})
    shares = performance_profile(tasks, steps).shares
    area = sum(share * width for share, width in zip(shares, np.diff(steps), strict=False))
    assert area == pytest.approx(np.mean([task.mean() for task in tasks]))


def test_a_profile_counts_what_is_above_the_threshold_and_not_what_is_at_it():
    assert performance_profile([[0.2, 0.4], [0.6, 0.8]], [0.2, 0.5, 0.8]).shares == pytest.approx([0.75, 0.5, 0])


def test_the_same_scores_give_the_same_interval():
    tasks = [RNG(seed).random(8) for seed in range(3)]
    assert score_interval(tasks) == score_interval(tasks)
    assert score_interval(tasks).low < score_interval(tasks).value < score_interval(tasks).high


def beta(rng, task, size):
    return rng.beta(2 + 2 * task, 2, size=size)


def with_collapses(rng, task, size):
    """A tenth of the runs learn nothing."""
    return np.where(rng.random(size) < 0.1, 0.0, rng.beta(20, 3 + task, size=size))


@pytest.mark.parametrize("draw", [beta, with_collapses])
def test_the_interval_holds_the_mean_of_many_runs_about_95_times_in_100(draw):
    rng = RNG(0)
    truth = float(interquartile_mean([draw(rng, task, 100_000) for task in range(3)]))
    found = [score_interval([draw(rng, task, 8) for task in range(3)]) for _ in range(300)]
    assert 0.90 <= np.mean([one.low <= truth <= one.high for one in found]) <= 0.98
