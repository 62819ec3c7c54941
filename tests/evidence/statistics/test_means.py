"""Infinite, unknown and astronomically large numbers end no statistic, no table and no picture."""

import io
import math

from formats import in_format
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rich.console import Console
from runs_in_memory import arm_with, arms_called

from normbench.evidence.claims.claim import read_claims
from normbench.evidence.claims.verdict import judge_claim
from normbench.evidence.claims.words import DECIDED
from normbench.evidence.comparison.comparison import StudyComparison
from normbench.evidence.comparison.curves import mean_curve
from normbench.evidence.comparison.effects import with_effects
from normbench.evidence.comparison.rows import Row, SeedSummary
from normbench.evidence.metrics.diverged import Diverged
from normbench.evidence.statistics.growth import Spread, growth_per_layer
from normbench.evidence.statistics.means import mean_of, sample_std
from normbench.evidence.statistics.sweeps import measure_trend
from normbench.evidence.statistics.trends import kendall_tau, log_slope
from normbench.report.blocks.comparison import comparison_blocks, notes
from normbench.report.terminal.render import print_blocks

EXTREMES = (1e20, 1e154, 1e200, 1e308, -1e308, 1e-307, math.inf, -math.inf, math.nan)
SIZES = st.builds(lambda digits, power: digits * 10.0**power, st.integers(-9, 9), st.integers(-307, 307))
VALUES = st.one_of(SIZES, st.sampled_from(EXTREMES))  # floats() needs denormals, which torch may have flushed
EIGHT = st.lists(VALUES, min_size=8, max_size=8)
METRICS = st.sampled_from(["test_loss", "test_accuracy", "weight.std@hidden1", "change test_loss"])


def compared(metric, plain, odd):
    rows = [
        Row(name, {"lr": place}, tuple(range(len(values))), 0, {metric: SeedSummary.of(values, metric)}, 1, 0.1)
        for place, (name, values) in enumerate({"plain": plain, "odd": odd}.items())
    ]
    return with_effects(StudyComparison("made_up", "", "a.yaml", rows, ["lr"], is_plain=False, baseline="plain"))


@settings(max_examples=40, deadline=None)
@given(plain=EIGHT, odd=EIGHT, metric=METRICS)
@example(plain=[1e308] * 8, odd=[-1e308] * 8, metric="test_accuracy")
@example(plain=[float(i) for i in range(8)], odd=[1e200 * i for i in range(8)], metric="test_accuracy")
@example(plain=[1e-300] * 8, odd=[1e308, 1e-300] * 4, metric="test_loss")
def test_any_numbers_can_be_compared_and_printed(plain, odd, metric):
    for values in (plain, [Diverged(value) for value in plain]):
        comparison = compared(metric, values, odd)
        print_blocks(Console(file=io.StringIO()), comparison_blocks(comparison, details=True))
        assert "made_up" in in_format("json", [comparison])
        assert "made_up" in in_format("csv", [comparison])


@settings(max_examples=40, deadline=None)
@given(values=EIGHT, others=EIGHT)
def test_any_numbers_have_statistics(values, others):
    for statistic in (mean_of, sample_std, Spread.of, log_slope):
        statistic(values)
    growth = growth_per_layer([values, others])
    assert growth is None or growth.word
    kendall_tau(others, values)
    measure_trend("lr", [0.1, 0.2], [dict(enumerate(values)), dict(enumerate(others))])


@settings(max_examples=25, deadline=None)
@given(values=EIGHT, others=EIGHT, data=st.data())
def test_any_numbers_can_be_judged_by_a_claim(values, others, data):
    expect = data.draw(
        st.sampled_from(
            [
                {"less": "a", "than": "b", "by": 0.05},
                {"range": [-1e308, 1e308], "of": "a"},
                {"range": [0, 1], "of": "a", "every": True},
                {"equal": ["a", "b"], "within": 1e300},
                {"contrast": {"a": 1e300, "b": -1e300}, "above": 0.0},
            ]
        )
    )
    metric = data.draw(st.sampled_from(["test_loss", "test_accuracy"]))
    claim = read_claims([{"says": "odd", "metric": metric, "expect": expect}], arms_called("a", "b"))[0][0]
    found = judge_claim(claim, [arm_with("a", values, metric), arm_with("b", others, metric)], range(8), "study", "")
    assert found.verdict in (*DECIDED, "cannot tell")


@settings(max_examples=25, deadline=None)
@given(values=EIGHT)
def test_any_numbers_have_a_mean_curve(values):
    for status in ("finished", "diverged"):
        runs = arm_with("a", values, statuses=[status] * 8).runs
        assert [point.n for point in mean_curve(runs, "test_loss")] == [8]


def test_what_is_not_compared_is_named():
    comparison = compared("test_loss", [1.0, 1.1], [1.0, math.inf])
    assert notes(comparison) == ["odd: not compared by test_loss: not a finite number in some of its runs."]
    assert notes(compared("test_loss", [1.0, 1.1], [1.0, 2.0])) == []
