"""Pictures whatever is drawn: no text is cut or lies on another, arms can be told apart, axes hold what is possible."""

import math
from itertools import combinations

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from normbench.evidence.metrics.bounds import possible_range
from normbench.evidence.metrics.scales import is_accuracy
from normbench.evidence.statistics.growth import Spread
from normbench.report.figures.axis_scale import effect_scale, metric_scale, set_scale
from normbench.report.figures.comparison import over_setting, over_steps
from normbench.report.figures.dots import Seeds
from normbench.report.figures.layer_panels import LayerLine, LayerPanel, draw_layers
from normbench.report.figures.looks import MAX_LOOKS, look_of, looks_of
from normbench.report.figures.panels import STEP, Panel, Series
from normbench.report.figures.rows import Row, RowPanel, draw_rows
from normbench.report.figures.sheet import DPI, drawing, shown_tick_labels
from normbench.report.figures.words import SMALL_TYPE

VALUES = {n: [0.4 + 0.05 * i for i in range(n)] for n in range(1, 9)}
NAMES = st.lists(st.text("aWi=,_ $-%", min_size=3, max_size=120), min_size=1, max_size=24, unique_by=str.strip)
ONCE = settings(max_examples=3, deadline=None, derandomize=True, database=None, phases=[Phase.generate])


def series(name, xs, n=8):
    values = [[value * (1 + 0.1 * len(name) + i) for value in VALUES[n]] for i, _ in enumerate(xs)]
    means = [sum(of) / n for of in values]
    return Series(name, list(xs), means, [0.8 * mean for mean in means], [1.2 * mean for mean in means], values)


def steps(names, xs=(0, 10, 20), n=8):
    panel = Panel("", STEP, "", [series(name, xs, n) for name in names])
    return over_steps(names[0], [panel], looks_of(names).values(), "test_loss")


def numbers(names, xs=(1, 2, 4, 8, 9, 64), n=8):
    panel = Panel(names[0], "optimizer.lr", names[-1], [series(name, xs, n) for name in names])
    return over_setting(names[0], [panel], "test_loss")


def words(names):
    panel = Panel(names[0], "norm", "", [series("", range(len(names)))], names)
    return over_setting(names[0], [panel], "test_loss")


def effects(names):
    rows = [Row(name, [Seeds(look_of(i), VALUES[5], 0.5, 0.4, 0.9)], name) for i, name in enumerate(names)]
    with drawing():
        return draw_rows(names[0], names[-1], [RowPanel(metric_scale("test_loss"), rows)])


def layers(names):
    """As many layers as arms, all of these names."""
    spreads = {name: Spread(0.5 * 3**i, 0.4 * 3**i, 0.9 * 3**i) for i, name in enumerate(names)}
    panels = [LayerPanel(what, what, [LayerLine(name, spreads) for name in names]) for what in ("forward", "backward")]
    return draw_layers(names[0], panels, looks_of(names), [8])


def texts_of(figure):
    """Every text that is drawn, with its box in pixels."""
    assert figure.dpi == DPI
    with drawing():
        figure.draw_without_rendering()  # puts every text in its place
    renderer = FigureCanvasAgg(figure).get_renderer()
    legends = [text for legend in figure.legends for text in (*legend.get_texts(), legend.get_title())]
    found = [*figure.texts, *legends]
    for axes in filter(lambda axes: axes.get_visible(), figure.axes):
        found += [axes.title, axes._left_title, axes.xaxis.label, axes.yaxis.label, *axes.texts]
        found += [label for axis in (axes.xaxis, axes.yaxis) for label in shown_tick_labels(axis)]
    shown = [text for text in found if text.get_visible() and text.get_text().strip()]
    return [(text, text.get_window_extent(renderer)) for text in shown]


@pytest.mark.parametrize("draw", [steps, numbers, words, effects, layers])
@given(names=NAMES)
@ONCE
def test_no_text_is_cut_small_or_on_another(draw, names):
    figure = draw([name.strip() or f"arm{i}" for i, name in enumerate(names)])
    texts, whole = texts_of(figure), figure.bbox.padded(1)
    assert min(text.get_fontsize() for text, _ in texts) >= SMALL_TYPE == 8
    cut = [text.get_text() for text, box in texts if not (whole.x0 <= box.x0 and box.x1 <= whole.x1)]
    cut += [text.get_text() for text, box in texts if not (whole.y0 <= box.y0 and box.y1 <= whole.y1)]
    assert cut == []
    touching = [(a.get_text(), b.get_text()) for (a, x), (b, y) in combinations(texts, 2) if x.padded(-1).overlaps(y)]
    assert touching == []


def test_as_many_arms_as_are_drawn_together_look_different():
    figure = steps([f"arm{i}" for i in range(MAX_LOOKS)])
    lines = [line for line in figure.axes[0].get_lines() if len(line.get_xdata()) == 3]
    looks = {(line.get_color(), line.get_linestyle(), line.get_marker()) for line in lines}
    assert len(lines) == len(looks) == 24
    in_grey = {(line.get_linestyle(), line.get_marker()) for line in lines}
    assert len(in_grey) == 24  # without any colour too
    assert [handle.get_color() for handle in figure.legends[0].legend_handles] == [line.get_color() for line in lines]


@pytest.mark.parametrize("n", [1, 3, 4, 8])
@pytest.mark.parametrize("xs", [(0,), (0, 10, 20)])
def test_bands_are_of_four_seeds_or_more_and_lines_of_two_steps_or_more(n, xs):
    axes, last = steps(["a", "b"], xs, n).axes
    assert len(axes.collections) == 2 * (n >= 4)
    assert {line.get_linestyle() for line in axes.get_lines()} - {"None"} == ({"-"} if len(xs) > 1 else set())
    dots, intervals = ([line for line in last.get_lines() if line.get_linestyle() == dash] for dash in ("None", "-"))
    assert sorted(len(line.get_xdata()) for line in dots) == sorted([1, 1, n, n])  # every seed, and both means
    assert len(intervals) == 2 * (n >= 4)


METRICS = ("test_accuracy", "test_loss", "weight.std@fc1", "weight.mean@fc1")
NUMBERS = st.lists(st.integers(0, 50).map(lambda share: share / 50), min_size=1, max_size=5)


@given(st.sampled_from(METRICS), NUMBERS, st.floats(1e-9, 1e9), NUMBERS)
@settings(max_examples=40, deadline=None, derandomize=True, database=None)
def test_an_axis_holds_all_points_and_nothing_impossible(metric, shares, size, ends):
    factor = 1 if is_accuracy(metric) else size
    scale, axes = metric_scale(metric), Figure().subplots()
    places = [scale.drawn(factor * share) for share in shares]
    set_scale(axes, "y", scale, places, [scale.drawn(end - 0.5) for end in ends])
    low, high = axes.get_ylim()
    lowest, highest = (scale.factor * end for end in possible_range(metric))
    assert lowest <= low <= min(places) * (1 + 1e-9)
    assert max(places) * (1 - 1e-9) <= high <= highest


@pytest.mark.parametrize("ratios", [[0.5], [1.02, 1.01], [1e-280, 1e280], [math.inf, 0.0, 2.0]])
def test_ratios_have_a_logarithmic_axis_around_one(ratios):
    axes = Figure().subplots()
    scale = effect_scale("test_loss", is_ratio=True, against="none")
    assert set_scale(axes, "x", scale, [scale.drawn(ratio) for ratio in ratios], [])
    assert axes.get_xscale() == "log"
    assert 0 < axes.get_xlim()[0] < 1 < axes.get_xlim()[1]


def test_differences_of_accuracies_stay_within_a_hundred_points():
    axes = Figure().subplots()
    scale = effect_scale("test_accuracy", is_ratio=False, against="none")
    set_scale(axes, "x", scale, [scale.drawn(1.0), scale.drawn(0.2)], [-350.0, 400.0])
    assert axes.get_xlim()[1] == 100
    assert axes.get_xlim()[0] < 0 == scale.neutral
