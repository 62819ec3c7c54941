"""Growth per layer: against scipy's regression, Student's interval over seeds, and what cannot be fitted."""

import math
import random
import statistics

import pytest
from scipy import stats

from normbench.evidence.statistics.growth import Growth, Spread, growth_per_layer


def noisy(factor, num_layers=20, seed=0, noise=0.1):
    rng = random.Random(seed)
    return [math.exp(i * math.log(factor) + rng.gauss(0, noise)) for i in range(num_layers)]


def test_a_geometric_series_grows_by_its_factor():
    growth = growth_per_layer([[3.0 * 1.25**i for i in range(10)]])
    assert growth.factor == pytest.approx(1.25, rel=1e-12)
    assert (growth.low, growth.high) == pytest.approx((1.25, 1.25), rel=1e-6)
    assert (growth.num_layers, growth.num_seeds) == (10, 1)


def test_one_seed_has_the_interval_of_its_regression():
    stds = noisy(1.1)
    fit = stats.linregress(range(20), [math.log(std) for std in stds])
    half = stats.t.ppf(0.975, 18) * fit.stderr
    growth = growth_per_layer([stds])
    wanted = [math.exp(fit.slope), math.exp(fit.slope - half), math.exp(fit.slope + half)]
    assert [growth.factor, growth.low, growth.high] == pytest.approx(wanted, rel=1e-9)


def test_several_seeds_have_students_interval_of_their_slopes():
    seeds = [noisy(0.9, seed=seed) for seed in range(5)]
    slopes = [stats.linregress(range(20), [math.log(std) for std in stds]).slope for stds in seeds]
    half = stats.t.ppf(0.975, 4) * statistics.stdev(slopes) / math.sqrt(5)
    growth = growth_per_layer(seeds)
    mean = statistics.fmean(slopes)
    wanted = [math.exp(mean), math.exp(mean - half), math.exp(mean + half)]
    assert [growth.factor, growth.low, growth.high] == pytest.approx(wanted, rel=1e-9)


@pytest.mark.parametrize("gap", [0.0, math.nan, math.inf, 1e-38])
def test_what_float32_cannot_tell_is_left_out_and_the_others_keep_their_place(gap):
    stds = [2.0**-i for i in range(8)]
    growth = growth_per_layer([[*stds[:3], gap, *stds[4:]]])
    assert growth.factor == pytest.approx(0.5, rel=1e-12)
    assert growth.num_layers == 7


@pytest.mark.parametrize("stds", [[], [1.0, 2.0], [0.0, 0.0, 0.0], [math.nan] * 5])
def test_without_three_layers_there_is_no_growth(stds):
    assert growth_per_layer([stds]) is None


@pytest.mark.parametrize(
    ("factor", "num_layers", "word"),
    [
        (1.0, 100, "steady"),
        (1.2, 4, "steady"),
        (1.2, 10, "grows"),
        (1.2, 50, "explodes"),
        (0.8, 10, "shrinks"),
        (0.8, 50, "vanishes"),
    ],
)
def test_the_word_is_about_all_layers_together(factor, num_layers, word):
    assert Growth(factor, factor, factor, num_layers, 1).word == word


def test_a_spread_is_students_interval_of_the_logarithms():
    values = [0.5, 1.0, 4.0]
    logs = [math.log(value) for value in values]
    low, high = stats.t.interval(0.95, 2, loc=statistics.fmean(logs), scale=stats.sem(logs))
    found = Spread.of(values)
    assert (found.low, found.high) == pytest.approx((math.exp(low), math.exp(high)), rel=1e-9)


def test_a_spread_with_a_seed_that_is_not_finite_is_not_either():
    assert math.isnan(Spread.of([1.0, math.nan]).value)
