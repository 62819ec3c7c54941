"""Draws std over the layers: layer below layer as in the network, a line per arm, panels side by side."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from normbench.evidence.statistics.growth import Spread
from normbench.report.figures.axis_scale import AxisScale, set_scale
from normbench.report.figures.dots import FEWEST_SEEDS
from normbench.report.figures.looks import Look, Looks
from normbench.report.figures.rows import NAME_WIDTH
from normbench.report.figures.sheet import FOOT, TICK, Sheet, drawing, head_room, panel_title
from normbench.report.figures.words import SMALL_TYPE, height_of, seeds_text, widest, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Picture

STD = AxisScale("std", (0.0, math.inf), is_log=True)
WIDTH, SIDE, LEAST_WIDTH = 1.95, 0.3, 6.0
"""Inches of a panel with the room at its right, of that room, and of a picture at least."""
LAYER, LEAST, MOST = 0.3, 0.6, 7.0
"""Inches of a layer, and of all of them at least and at most; of many layers not every name has room."""
MANY = 40
"""From so many layers on, seeds are no dots of their own: the band says where they lie."""


@dataclass(frozen=True)
class LayerLine:
    """One arm over the layers.

    Attributes:
        label: The arm's label.
        spreads: Geometric mean of each layer's std with its interval, by the layer's name.
        values: Each layer's std by seed; none where they are not known.
    """

    label: str
    spreads: Mapping[str, Spread]
    values: Mapping[str, Sequence[float]] = field(default_factory=dict)


@dataclass(frozen=True)
class LayerPanel:
    """One pair of axes; those of one ``what`` have the same x axis.

    Attributes:
        what: What the std is of.
        title: Its title.
        lines: A line per arm.
    """

    what: str
    title: str
    lines: Sequence[LayerLine]


def draw_layers(title: str, panels: Sequence[LayerPanel], looks: Looks, num_seeds: Sequence[int]) -> "Picture":
    """Return a picture of std over the layers, with panels side by side.

    Args:
        title: The question.
        panels: What is drawn.
        looks: The look of each arm.
        num_seeds: Number of seeds of each arm.
    """
    layers = _all_layers([line for panel in panels for line in panel.lines])
    names = ["\n".join(wrapped(layer, NAME_WIDTH, SMALL_TYPE)) for layer in layers]
    tallest = max(name.count("\n") + 1 for name in names)
    head, left = head_room((panel.title for panel in panels), WIDTH - SIDE), widest(names, SMALL_TYPE) + 2 * TICK
    height = min(MOST, max(LEAST, len(layers) * max(LAYER, height_of(tallest, SMALL_TYPE) + 0.05)))
    size = (max(LEAST_WIDTH, left + WIDTH * len(panels)), head + height + FOOT)
    with drawing():
        sheet = Sheet(title, _says(num_seeds), size, (1, len(panels)), looks if len(looks) > 1 else None)
        for i, (axes, panel) in enumerate(zip(sheet.axes, panels, strict=True)):
            sheet.place(axes, (left + i * WIDTH, head, WIDTH - SIDE, height))
            alike = [line for other in panels if other.what == panel.what for line in other.lines]
            _scale(axes, alike)
            for line in panel.lines:
                _draw_line(axes, line, layers, looks[line.label])
            panel_title(axes, panel.title, WIDTH - SIDE)
            axes.set_xlabel("std")
            axes.grid(alpha=0.25, lw=0.6)
            axes.set_ylim(len(layers) - 0.5, -0.5)
            axes.set_yticks(range(len(layers)), names if i == 0 else [""] * len(layers))
        return sheet.finished()


def _all_layers(lines: Sequence[LayerLine]) -> list[str]:
    """Return the layers of all arms, each after the one that it follows in its own network."""
    layers: list[str] = []
    for line in sorted(lines, key=lambda line: -len(line.spreads)):
        place = 0
        for layer in line.spreads:
            if layer not in layers:
                layers.insert(place, layer)
            place = layers.index(layer) + 1
    return layers


def _says(num_seeds: Sequence[int]) -> str:
    of = f"Layers from input to output; geometric mean over {seeds_text(num_seeds)}"
    few = max(num_seeds, default=0) < FEWEST_SEEDS
    return f"{of}; {f'no interval below {FEWEST_SEEDS} seeds' if few else 'band: 95 % interval of the mean'}."


def _scale(axes: "Axes", lines: Sequence[LayerLine]) -> None:
    spreads = [spread for line in lines for spread in line.spreads.values()]
    values = [value for line in lines for of in line.values.values() for value in of]
    points = [STD.drawn(value) for value in (*values, *(spread.value for spread in spreads))]
    ends = [STD.drawn(end) for spread in spreads for end in (spread.low, spread.high)]
    set_scale(axes, "x", STD, [point for point in points if point > 0], ends)


def _draw_line(axes: "Axes", line: LayerLine, layers: Sequence[str], look: Look) -> None:
    """Draw an arm over the layers; a std of 0 has no place on a logarithmic axis, and leaves a gap."""
    y = [layers.index(layer) for layer in line.spreads]
    means, lows, highs = (
        [_positive(getattr(of, end)) for of in line.spreads.values()] for end in ("value", "low", "high")
    )
    if not line.values or max(map(len, line.values.values())) >= FEWEST_SEEDS:
        axes.fill_betweenx(y, lows, highs, color=look.colour, alpha=0.18, lw=0)
    every = max(1, len(y) // MANY)
    dash = look.dash if len(y) > 1 else "none"
    axes.plot(means, y, ls=dash, marker=look.marker, color=look.colour, lw=1.5, ms=4, markevery=every)
    if len(layers) <= MANY:
        found = line.values.items()
        dots = [(value, layers.index(layer)) for layer, of in found for value in map(_positive, of)]
        x, at = [value for value, _ in dots], [at for _, at in dots]
        axes.plot(x, at, "o", ms=2.4, color=look.colour, alpha=0.4, mew=0, clip_on=False)


def _positive(value: float | None) -> float:
    return value if value is not None and 0 < value < math.inf else math.nan
