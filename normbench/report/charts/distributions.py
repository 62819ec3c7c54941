"""Draws how weights or gradients of each layer are distributed over the steps: the median with bands around it."""

import math
from collections.abc import Sequence

from normbench.evidence.layers.distributions import LayerDistribution, layer_distributions
from normbench.report.blocks.numbers import short
from normbench.report.charts.axes import DIGIT, EDGE, LINE, heading, width_of, words_at
from normbench.report.charts.layer_marks import short_layer
from normbench.report.charts.scales import Scale, power_text
from normbench.report.charts.series import class_of
from normbench.report.charts.squeezed import Squeezed, squeezed
from normbench.report.charts.svg import WIDTH, Markup, chart, group, number, path, polyline
from normbench.storage.run_folder import Arm

WORDS = {"weight": "Weights", "grad": "Weight gradients"}
MAX_LAYERS = 16
"""Layers that are drawn: of more, as many even spread from the first to the last."""
MAX_STEPS = 60
COLUMNS, GUTTER = 2, 10.0
HEIGHT, HEAD = 70.0, 24.0
"""Of a layer's picture, and of its name above: an axis's highest number does not touch it."""
LETTERS = 20
NUM_TICKS = 3
ALONE = 0.3
"""Half the width of a single step, as a share of the axis."""


def draw_distributions(arm: Arm, kind: str) -> str:
    """Draw a small picture for each layer: median, middle half and nine tenths of its values over the steps.

    The values are those of the arm's first seed: over seeds the layers of several networks would be mixed.

    Args:
        arm: An arm with its runs.
        kind: weight or grad.

    Returns:
        The chart; "" where no histograms of this kind were recorded.

    Raises:
        RunFolderError: A run's file is missing or was changed.
    """
    found = [layer for layer in layer_distributions(arm.runs[0], kind) if _is_known(layer)] if arm.runs else []
    if not found:
        return ""
    shown = _some(found)
    axes = [_axis(layer) for layer in shown]
    title = f"{WORDS[kind]} of each layer"
    about = _about(arm, len(shown), len(found), is_squeezed=any(isinstance(axis, Squeezed) for axis in axes))
    head = heading(title, about, arm.name)
    left = max(_ticks_width(axis) for axis in axes)
    width, height = (WIDTH - EDGE - GUTTER * (COLUMNS - 1)) / COLUMNS, HEAD + HEIGHT + LINE + 8
    cells = [
        _cell(layer, axis, EDGE + (i % COLUMNS) * (width + GUTTER), head.bottom + (i // COLUMNS) * height, left, width)
        for i, (layer, axis) in enumerate(zip(shown, axes, strict=True))
    ]
    bottom = head.bottom + height * -(-len(shown) // COLUMNS)
    return chart(f"{title}: {arm.name}", " ".join([*about, *map(_told, shown)]), bottom, [*head.body, *cells])


def _about(arm: Arm, num_shown: int, num_layers: int, *, is_squeezed: bool) -> list[str]:
    some = [f"{num_shown} of {num_layers} layers."] if num_shown < num_layers else []
    squeezed_ = ["Where an axis says log, it is logarithmic away from 0."] if is_squeezed else []
    what = "Line: median; dark band: middle half of the values; pale band: 90 % of them."
    return [f"Seed {arm.runs[0].seed}, over the steps. {what}", *some, *squeezed_]


def _told(layer: LayerDistribution) -> str:
    low, *_, high = (quantiles[-1] for quantiles in layer.quantiles)
    return f"{layer.layer}: 90 % between {short(low)} and {short(high)} at the last step."


def _is_known(layer: LayerDistribution) -> bool:
    return any(math.isfinite(value) for value in layer.quantiles[0])


def _some(layers: Sequence[LayerDistribution]) -> list[LayerDistribution]:
    count = len(layers)
    if count <= MAX_LAYERS:
        return list(layers)
    return [layers[round(i * (count - 1) / (MAX_LAYERS - 1))] for i in range(MAX_LAYERS)]


def _axis(layer: LayerDistribution) -> Scale | Squeezed:
    """Return the axis of a layer's values, from its bottom at ``HEIGHT`` up to 0."""
    lows, *_, highs = layer.quantiles
    widths = [high - low for low, high in zip(lows, highs, strict=True)]
    return squeezed([value for value in (*lows, *highs) if math.isfinite(value)], widths, HEIGHT, 0.0)


def _ticks(axis: Scale | Squeezed) -> list[float]:
    if isinstance(axis, Squeezed):
        return axis.ticks()
    found: list[float] = []
    for most in range(NUM_TICKS, 2 * NUM_TICKS):  # a single number tells no scale
        found = found if len(found) > 1 else [tick for tick in axis.ticks(most, 0) if axis.holds(tick)]
    return found


def _ticks_width(axis: Scale | Squeezed) -> float:
    return max((width_of(power_text(tick), DIGIT) for tick in _ticks(axis)), default=0.0) + 6


def _cell(layer: LayerDistribution, axis: Scale | Squeezed, x: float, y: float, left: float, width: float) -> Markup:
    """Return the picture of one layer, whose corner is at (x, y)."""
    top, right = y + HEAD, x + width - 2
    start, steps = x + left, _thinned(layer.steps)
    along = Scale(float(layer.steps[0]), float(layer.steps[-1]), start, right)
    name = words_at(x, y + LINE - 3, short_layer(layer.layer, LETTERS), "arm")
    kind = [words_at(right, y + LINE - 3, "log", "note", "end")] if isinstance(axis, Squeezed) else []
    lines, words = [], []
    for tick in _ticks(axis):
        at = top + axis.at(tick)
        lines.append(f"M{number(start)} {number(at)}H{number(right)}")
        words.append(words_at(start - 5, at + 4, power_text(tick), "tick", "end"))
    bands = [_band(layer, steps, along, axis, top, pair) for pair in ((0, 4), (1, 3))]
    middle = [polyline(_places(layer, 2, steps, along, axis, top))]
    return group(
        [name, *kind, path(lines, "grid"), *words, *bands, path(middle, "line"), *_steps(layer, along, top)],
        class_=class_of(0),
    )


def _thinned(steps: Sequence[int]) -> list[int]:
    """Return places of the steps that are drawn, the first and the last among them."""
    count = len(steps)
    return (
        list(range(count))
        if count <= MAX_STEPS
        else [round(i * (count - 1) / (MAX_STEPS - 1)) for i in range(MAX_STEPS)]
    )


def _band(
    layer: LayerDistribution,
    steps: Sequence[int],
    along: Scale,
    axis: Scale | Squeezed,
    top: float,
    pair: tuple[int, int],
) -> Markup:
    low, high = (_places(layer, which, steps, along, axis, top) for which in pair)
    return path([f"{polyline([*low, *reversed(high)])}z"] if low else [], "band")


def _places(
    layer: LayerDistribution, which: int, steps: Sequence[int], along: Scale, axis: Scale | Squeezed, top: float
) -> list[tuple[float, float]]:
    """Return the points of a quantile; of a single step a short level line."""
    found = [
        (layer.steps[i], top + axis.at(layer.quantiles[which][i]))
        for i in steps
        if math.isfinite(layer.quantiles[which][i])
    ]
    if along.low < along.high:
        return [(along.at(step), y) for step, y in found]
    middle, reach = (along.start + along.end) / 2, ALONE * (along.end - along.start)
    return [(x, y) for _, y in found for x in (middle - reach, middle + reach)]


def _steps(layer: LayerDistribution, along: Scale, top: float) -> list[Markup]:
    y = top + HEIGHT + 14
    if along.low == along.high:
        return [words_at((along.start + along.end) / 2, y, f"step {layer.steps[0]:,}", "tick", "middle")]
    return [
        words_at(along.start, y, f"{layer.steps[0]:,}", "tick"),
        words_at(along.end, y, f"{layer.steps[-1]:,}", "tick", "end"),
    ]
