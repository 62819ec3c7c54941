"""Draws the std of every layer over the steps: a row for each layer, a shade for each power of ten."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from normbench.evidence.layers.std_over_steps import StdOverSteps, std_over_steps
from normbench.findings import Finding
from normbench.report.blocks.numbers import short
from normbench.report.charts.axes import (
    DIGIT,
    EDGE,
    GAP,
    LINE,
    MONO_LETTER,
    Frame,
    heading,
    numbers_below,
    width_of,
    words_at,
)
from normbench.report.charts.layer_marks import (
    draw_mark_lines,
    draw_marks,
    mark_lines,
    marks_of,
    marks_width,
    short_layer,
)
from normbench.report.charts.shades import around_one, bar_height, growing, shade_bar
from normbench.report.charts.svg import WIDTH, Markup, box, chart, element, path, text
from normbench.storage.run_folder import Arm

OUTPUT, GRADIENT = "output std", "gradient std"
KINDS = {OUTPUT: "activation", GRADIENT: "grad"}
WORDS = {OUTPUT: "each layer's output", GRADIENT: "each weight's gradient"}
LETTERS = 16
"""Of a layer's name beside its row."""
ROW, LEAST_ROW, HEIGHT = 16.0, 2.0, 340.0
WIDEST_CELL = 60.0
MAX_COLUMNS = 60
MAX_TITLED = 400
"""Rows that say their numbers; of more the chart would grow too large."""


@dataclass(frozen=True)
class Grid:
    """Where the cells lie.

    Attributes:
        frame: All of them.
        row: Height of a layer's row.
        column: Width of a step's column.
    """

    frame: Frame
    row: float
    column: float


def draw_layers(arm: Arm, quantity: str, findings: Sequence[Finding]) -> str:
    """Draw the std of every layer at every recorded step, the first layer above.

    Args:
        arm: An arm with its runs.
        quantity: "output std", whose shades meet at 1, or "gradient std", whose shades grow.
        findings: What is wrong in which layers, to be marked.

    Returns:
        The chart; "" where nothing was recorded.

    Raises:
        RunFolderError: A run's file is missing or was changed.
    """
    found = _thinned(std_over_steps(arm, KINDS[quantity]))
    if not found.layers:
        return ""
    values = [value for stds in found.layers.values() for value in stds]
    shades = around_one(values) if quantity == OUTPUT else growing(values)
    marks = marks_of(findings, list(found.layers), is_gradient=quantity == GRADIENT)
    title, about = f"{quantity.capitalize()} of each layer", _about(quantity, found)
    head = heading(title, about, arm.name)
    grid = _grid(found, head.bottom + 2, marks_width(marks))
    frame = grid.frame
    cells = {layer: [shades.of(value) for value in stds] for layer, stds in found.layers.items()}
    used = sorted({shade for row in cells.values() for shade in row})
    bar, foot = frame.bottom + LINE * 2 + 8, frame.bottom + LINE * 2 + 8 + bar_height()
    body = [
        *head.body,
        *_cells(list(cells.values()), grid),
        *_names(list(found.layers), grid),
        *_titles(found, grid),
        *draw_marks(marks, frame.left, frame.right, frame.top, grid.row),
        *_steps(found.steps, grid),
        *shade_bar(shades, used, EDGE, bar),
        *draw_mark_lines(marks, foot),
    ]
    said = " ".join([*about, *_told(found.layers), *mark_lines(marks)])
    return chart(f"{title}: {arm.name}", said, foot + LINE * len(mark_lines(marks)) + 2, body)


def _about(quantity: str, found: StdOverSteps) -> list[str]:
    seeds = "one seed" if found.num_seeds == 1 else f"the median of {found.num_seeds} seeds"
    return [f"Standard deviation of {WORDS[quantity]}, {seeds}; the input is above."]


def _told(layers: Mapping[str, Sequence[float]]) -> list[str]:
    """Return the first and the last layer's numbers, for those who hear the chart."""
    ends = [*layers.items()][:1] + [*layers.items()][1:][-1:]
    return [f"{layer}: {_span(stds)}." for layer, stds in ends]


def _span(stds: Sequence[float]) -> str:
    known = [value for value in stds if not math.isnan(value)]
    if not known:
        return "nothing recorded"
    return short(known[0]) if len(known) == 1 else f"{short(known[0])} at the start, {short(known[-1])} at the end"


def _thinned(found: StdOverSteps) -> StdOverSteps:
    """Return at most as many steps as a chart has columns, the first and the last among them."""
    count = len(found.steps)
    if count <= MAX_COLUMNS:
        return found
    places = [round(i * (count - 1) / (MAX_COLUMNS - 1)) for i in range(MAX_COLUMNS)]
    layers = {layer: [stds[i] for i in places] for layer, stds in found.layers.items()}
    return StdOverSteps([found.steps[i] for i in places], layers, found.num_seeds)


def _grid(found: StdOverSteps, top: float, margin: float) -> Grid:
    row = max(LEAST_ROW, min(ROW, HEIGHT / len(found.layers)))
    left = EDGE + max(width_of(short_layer(layer, LETTERS), MONO_LETTER) for layer in found.layers) + 6
    column = min(WIDEST_CELL, (WIDTH - EDGE - margin - left) / len(found.steps))
    return Grid(Frame(left, top, left + column * len(found.steps), top + row * len(found.layers)), row, column)


def _cells(rows: Sequence[Sequence[str]], grid: Grid) -> list[Markup]:
    """Return a path for each shade, in which neighbours of a row are one rectangle."""
    ways: dict[str, list[str]] = {}
    for i, shades in enumerate(rows):
        top, place = grid.frame.top + i * grid.row, 0
        for shade, alike in groupby(shades):
            first, place = place, place + len(list(alike))
            left, right = (grid.frame.left + grid.column * end for end in (first, place))
            ways.setdefault(shade, []).append(box(left, top, right, top + grid.row))
    return [path(way, f"cell {shade}") for shade, way in sorted(ways.items()) if shade]


def _names(layers: Sequence[str], grid: Grid) -> list[Markup]:
    """Return names left of the rows; of thin rows of as many as there is room for."""
    every = max(1, -(-int(LINE) // max(1, int(grid.row))) if grid.row < LINE else 1)
    x, top = grid.frame.left - 6, grid.frame.top + grid.row / 2 + 4
    shown = range(0, len(layers), every)
    return [words_at(x, top + i * grid.row, short_layer(layers[i], LETTERS), "arm", "end") for i in shown]


def _titles(found: StdOverSteps, grid: Grid) -> list[Markup]:
    """Return for each row what it says when it is pointed at."""
    if len(found.layers) > MAX_TITLED:
        return []
    frame, tops = grid.frame, [grid.frame.top + i * grid.row for i in range(len(found.layers))]
    ways = [box(frame.left, top, frame.right, top + grid.row) for top in tops]
    said = [element("title", text(f"{layer}: {_span(stds)}")) for layer, stds in found.layers.items()]
    return [element("path", title, class_="touch", d=way) for title, way in zip(said, ways, strict=True)]


def _steps(steps: Sequence[int], grid: Grid) -> list[Markup]:
    """Return the steps below their columns; where there are many every second, third and so on."""
    labels = [f"{step:,}" for step in steps]
    every = max(1, -(-int(max(width_of(label, DIGIT) for label in labels) + GAP) // max(1, int(grid.column))))
    places = [grid.frame.left + grid.column * (i + 0.5) for i in range(len(steps))]
    below = numbers_below(places[::every], labels[::every], grid.frame.bottom + 14)
    middle = (grid.frame.left + grid.frame.right) / 2
    return [*below, words_at(middle, grid.frame.bottom + 14 + LINE, "step", "note", "middle")]
