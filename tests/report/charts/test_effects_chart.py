"""The chart of effects: a mark for each seed, no interval of few seeds, the interval of the verdict, the margin."""

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from svg_reading import parse, path_places, places, size, with_class, words

from normbench.evidence.comparison.comparison import StudyComparison
from normbench.evidence.comparison.effects import margin_ends
from normbench.evidence.comparison.rows import Row, SeedSummary
from normbench.evidence.statistics.new_data_effect import NewDataEffect
from normbench.evidence.statistics.paired_effect import judge_effects, paired_effect
from normbench.report.charts.effects import draw_effects

LOST = st.sampled_from([math.inf, -math.inf, math.nan])
DIFFERENCES = st.lists(st.floats(-1, 1, allow_subnormal=False) | LOST, min_size=1, max_size=12)


def compared(metric, *arms, is_ratio=False, margin=None):
    """Return a comparison in which each arm has these differences to a baseline, seed by seed."""
    found = [paired_effect(metric, dict(enumerate(values)), is_ratio=is_ratio) for values in arms]
    judged = judge_effects(found, "higher" if metric.endswith("accuracy") else "lower")
    rows = [row(metric, f"arm{i}", [0.5] * effect.n, effect) for i, effect in enumerate(judged)]
    return StudyComparison("s", "", "", rows, ["norm"], is_plain=False, baseline="none", margin=margin)


def row(metric, arm, values, effect=None):
    figure = SeedSummary.of(values, metric, 100)
    return Row(arm, {"norm": arm}, tuple(range(len(values))), 0, {metric: figure}, 10, None, effect=effect, name=arm)


@pytest.mark.parametrize(("metric", "is_ratio"), [("test_accuracy", False), ("test_loss", True), ("test_loss", False)])
@given(arms=st.lists(DIFFERENCES, min_size=1, max_size=3))
@settings(max_examples=15, deadline=None)
def test_every_seed_has_a_mark_inside_the_chart(metric, is_ratio, arms):
    root = parse(draw_effects(compared(metric, *arms, is_ratio=is_ratio, margin=0.1), metric))
    lost = sum(not math.isfinite(value) for values in arms for value in values)
    assert len(with_class(root, "lost")) == lost
    assert len(with_class(root, "dot")) == sum(map(len, arms)) - lost
    width, height = size(root)
    assert all(0 <= x <= width and 0 <= y <= height for x, y in places(root))


@pytest.mark.parametrize("number", [1, 3, 4, 8])
def test_intervals_begin_at_the_seeds_that_have_one(number):
    effect = compared("test_loss", [0.1 + 0.01 * i for i in range(number)], is_ratio=True).rows[0].effect
    root = parse(
        draw_effects(compared("test_loss", [0.1 + 0.01 * i for i in range(number)], is_ratio=True), "test_loss")
    )
    assert bool(with_class(root, "interval")) is (effect.has_interval and number >= 4)
    assert ("Too few seeds" in root[1].text) is (number < 6)


@pytest.mark.parametrize("number", [3, 4])
def test_values_have_dots_alone_below_four_seeds(number):
    rows = [row("test_loss", "one", [0.1, 0.2, 0.3, 0.4][:number])]
    root = parse(draw_effects(StudyComparison("s", "", "", rows, [], is_plain=True), "test_loss"))
    assert len(with_class(root, "dot")) == number
    assert bool(with_class(root, "interval")) is (number == 4)


def test_on_new_data_the_bar_is_the_interval_on_new_data():
    comparison = compared("test_accuracy", [0.01 * i for i in range(1, 9)])
    effect = comparison.rows[0].effect
    new = NewDataEffect(8, is_ratio=False, value=0.04, low=-0.2, high=0.3, verdict="cannot tell")
    changed = replace(comparison, rows=[replace(comparison.rows[0], effect=replace(effect, new_data=new))])
    bars = [with_class(parse(draw_effects(one, "test_accuracy")), "interval")[0] for one in (comparison, changed)]
    on_rows, on_new = ([x for x, _ in path_places(bar.get("d"))] for bar in bars)
    dots = [float(dot.get("cx")) for dot in with_class(parse(draw_effects(changed, "test_accuracy")), "dot")]
    assert min(on_new) < min(dots) < max(dots) < max(on_new)
    assert max(on_rows) - min(on_rows) > 0
    assert "cannot tell" in " ".join(words(parse(draw_effects(changed, "test_accuracy"))))


def test_the_margin_is_a_band_around_the_neutral_line():
    root = parse(draw_effects(compared("test_accuracy", [0.05, -0.05, 0.01, 0.0], margin=0.02), "test_accuracy"))
    (band,), (line,) = with_class(root, "margin"), with_class(root, "neutral")
    xs = sorted({x for x, _ in path_places(band.get("d"))})
    (middle,) = {x for x, _ in path_places(line.get("d"))}
    assert middle == pytest.approx(sum(xs) / 2, abs=0.2)
    assert "2 points" in root[1].text


@pytest.mark.parametrize(
    ("metric", "is_ratio", "ends"),
    [
        ("test_accuracy", False, (-0.02, 0.02)),
        ("test_loss", True, (1 / 1.02, 1.02)),
        ("test_loss", False, None),
        ("weight.std@fc1", False, (-0.02, 0.02)),
    ],
)
def test_the_margin_has_ends_in_the_units_of_effects(metric, is_ratio, ends):
    comparison = compared(metric, [0.1, 0.2, 0.3], is_ratio=is_ratio, margin=0.02)
    assert margin_ends(comparison, metric, is_ratio=is_ratio) == ends
    assert margin_ends(replace(comparison, margin=None), metric, is_ratio=is_ratio) is None


def test_better_and_worse_differ_and_are_said():
    values = [0.1 + 0.01 * i for i in range(8)]
    root = parse(draw_effects(compared("test_loss", values, [-value for value in values], is_ratio=True), "test_loss"))
    assert [one.get("class") for one in root.iter("g")] == ["worse", "better"]
    assert {"worse", "better"} <= set(" ".join(words(root)).split())


def test_two_hundred_arms_stay_small():
    arms = [[0.01 * ((7 * i + j) % 100) for j in range(16)] for i in range(200)]
    markup = draw_effects(compared("test_accuracy", *arms), "test_accuracy")
    assert len(with_class(parse(markup), "dot")) == 3200
    assert len(markup) < 300_000
