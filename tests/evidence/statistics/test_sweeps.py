"""Trends along a setting: a fall is found, a flat line is not called one, chance is called one as rarely as it says."""

import math
from dataclasses import replace

import numpy as np

from normbench.evidence.statistics.sweeps import Trend, judge_trends, measure_trend

SEEDS = range(8)
BATCH_SIZES = [2, 8, 32]


def by_seed(*columns):
    return [dict(zip(SEEDS, column, strict=True)) for column in columns]


def noise(rng):
    """A seed's own level, which all arms share, and what each arm adds to it."""
    level = rng.normal(0, 1, 8)
    return [(level + rng.normal(0, 0.3, 8)).tolist() for _ in BATCH_SIZES]


def test_a_fall_is_a_tau_of_minus_one_in_every_seed():
    found = measure_trend("batch_size", BATCH_SIZES, by_seed([3.0] * 8, [2.0] * 8, [1.0] * 8))
    assert (found.n, found.tau, found.p) == (8, -1.0, 2 / 2**8)
    assert judge_trends([found])[0].verdict == "falls"


def test_a_rise_in_seven_seeds_of_eight_is_found():
    last = [3.0] * 7 + [0.0]
    found = judge_trends([measure_trend("batch_size", BATCH_SIZES, by_seed([1.0] * 8, [2.0] * 8, last))])[0]
    assert (found.verdict, found.tau) == ("rises", 1.0)


def test_flat_lines_are_called_a_trend_no_more_often_than_5_percent():
    rng = np.random.default_rng(0)
    tables = [[measure_trend("batch_size", BATCH_SIZES, by_seed(*noise(rng))) for _ in range(3)] for _ in range(500)]
    wrong = sum(any(found.verdict in ("falls", "rises") for found in judge_trends(table)) for table in tables)
    assert wrong / len(tables) <= 0.05 + 2.33 * math.sqrt(0.05 * 0.95 / len(tables))


def test_the_more_rows_the_stricter_the_test():
    one = Trend("batch_size", 8, -0.8, 0.03, "below")
    others = [replace(one, tau=0.1, p=0.9, side="")] * 3
    assert judge_trends([one])[0].verdict == "falls"
    assert (judge_trends([one, *others])[0].verdict, judge_trends([one, *others])[0].p_corrected) == (
        "no trend found",
        0.12,
    )


def test_only_seeds_that_every_value_has_count():
    found = measure_trend("batch_size", [2, 8], [{0: 1.0, 1: 1.0, 2: 1.0}, {1: 2.0, 2: 2.0, 3: 2.0}])
    assert (found.n, found.tau) == (2, 1.0)


def test_too_few_seeds_give_no_verdict():
    found = judge_trends([measure_trend("batch_size", [2, 8], [{0: 1.0, 1: 1.0}, {0: 2.0, 1: 2.0}])])[0]
    assert (found.verdict, found.seeds_needed) == ("too few seeds", 6)


def test_a_number_that_is_none_is_no_trend():
    columns = by_seed([3.0] * 8, [math.nan, *[2.0] * 7], [1.0] * 8)
    assert judge_trends([measure_trend("batch_size", BATCH_SIZES, columns)])[0].verdict == "no trend found"
