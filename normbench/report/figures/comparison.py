"""Draws a comparison over the steps, or over a setting."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from normbench.errors import ComparisonError
from normbench.evidence.comparison.comparison import StudyComparison
from normbench.evidence.comparison.pivot import Pivot
from normbench.report.figures.axis_scale import AxisScale, metric_scale
from normbench.report.figures.dots import FEWEST_SEEDS, Seeds
from normbench.report.figures.lines import draw_last, draw_over_setting, draw_over_steps, set_values
from normbench.report.figures.looks import MAX_LOOKS, Look, Looks, arm_looks, look_of, looks_of
from normbench.report.figures.panels import Panel, Series, panel_over_setting, panel_over_steps
from normbench.report.figures.rows import Row, RowPanel, draw_rows
from normbench.report.figures.sheet import FOOT, RIGHT, Sheet, axis_label, drawing, head_room, left_room, panel_title
from normbench.report.figures.words import seeds_text
from normbench.report.figures.writing import check_path, write_picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Picture

MAX_PANELS = 6
PANEL_WIDTH, PANEL_HEIGHT, LOW_PANEL_HEIGHT = 4.6, 3.9, 2.6
STRIP, LEAST_STRIP, GAP = 0.24, 0.7, 0.15
"""Inches for each arm's seeds at the last step, for those of all at least, and before them."""


def save_figure(path: Path, comparisons: Sequence[StudyComparison], tables: Sequence[Sequence[Pivot]]) -> None:
    """Draw the first metric of one study into a file; equal runs give equal bytes.

    Args:
        path: A PNG, SVG or PDF file.
        comparisons: The comparison of one study.
        tables: Tables by settings, drawn over their setting; without any, the metric is drawn over the steps.

    Raises:
        ComparisonError: Several studies, nothing to draw, too many lines, or a file that cannot be written.
        RunFolderError: A run's file is missing or was changed.
    """
    check_path(path)
    if len(comparisons) != 1 or not comparisons[0].rows:
        found = "none" if not any(c.rows for c in comparisons) else ", ".join(c.study for c in comparisons)
        raise ComparisonError(f"--plot {path}: must be of one study with runs, got {found}. Name its folder.")
    comparison, metric = comparisons[0], next(iter(comparisons[0].rows[0].figures))
    panels = [panel_over_setting(pivot) for pivot in tables[0]] or [panel_over_steps(comparison, metric)]
    check_size(panels, f"--plot {path}")
    title = comparison.question or comparison.study
    if tables[0]:
        write_picture(over_setting(title, panels, metric), path)
    else:
        write_picture(over_steps(title, panels, arm_looks(comparison).values(), metric), path)


def check_size(panels: Sequence[Panel], place: str) -> None:
    """Refuse more lines than can be told apart, and more panels than a page holds.

    Raises:
        ComparisonError: There are too many.
    """
    num_lines = max(len(panel.series) for panel in panels)
    for number, most, what in ((num_lines, MAX_LOOKS, "lines"), (len(panels), MAX_PANELS, "tables")):
        if number > most:
            raise ComparisonError(f"{place}: must hold at most {most} {what}, got {number}. Choose with --where.")


def over_steps(title: str, panels: Sequence[Panel], arms: Iterable[Look], metric: str) -> "Picture":
    """Return a picture of metrics over the steps: a line per arm, and beside it the arm's seeds at the last step.

    Args:
        title: The question.
        panels: One panel for a metric, or several, whose titles say what they show.
        arms: The look of each line.
        metric: Metric of the first panel.
    """
    looks = {series.label: look for series, look in zip(panels[0].series, arms, strict=True)}
    height = PANEL_HEIGHT if len(panels) == 1 else LOW_PANEL_HEIGHT
    strip = max(LEAST_STRIP, STRIP * len(looks))
    size = (PANEL_WIDTH + strip + RIGHT + 1.6, height * len(panels))
    with drawing():
        sheet = Sheet(title, _says(panels, is_over_steps=True), size, (len(panels), 2), looks)
        pairs = list(zip(sheet.axes[::2], sheet.axes[1::2], strict=True))
        for (axes, last), panel in zip(pairs, panels, strict=True):
            _draw_steps((axes, last), panel, looks, _scale_of(panel, panels, metric), height)
        head = head_room([panels[0].title * (len(panels) == 1)], PANEL_WIDTH)
        left = max(left_room(axes) for axes, _ in pairs)
        across, down = size[0] - left - strip - RIGHT - GAP, height - head - FOOT
        for i, (axes, last) in enumerate(pairs):
            sheet.place(axes, (left, i * height + head, across, down))
            sheet.place(last, (left + across + GAP, i * height + head, strip, down))
        return sheet.finished()


def _scale_of(panel: Panel, panels: Sequence[Panel], metric: str) -> AxisScale:
    """Return the scale of a panel; of several panels each is of another metric, which its title names."""
    scale = metric_scale(metric)
    return scale if len(panels) == 1 else replace(scale, label=panel.title)


def _draw_steps(pair: "tuple[Axes, Axes]", panel: Panel, looks: Looks, scale: AxisScale, height: float) -> None:
    """Draw a panel over the steps, and in the axes at its right the last step."""
    axes, last = pair
    for one in pair:
        set_values(one, [panel], scale)
    last.tick_params(labelleft=False)
    draw_over_steps(axes, panel, looks, scale)
    draw_last(last, panel, looks, scale)
    if scale.label != panel.title:
        panel_title(axes, panel.title, PANEL_WIDTH)
    axis_label(axes, "y", scale.label, height - 1)
    last.set_xlabel("last step")


def over_setting(title: str, panels: Sequence[Panel], metric: str) -> "Picture":
    """Return a picture of a metric over a setting: over numbers a line each, else a row for each word."""
    labels = [series.label for panel in panels for series in panel.series]
    looks, scale = looks_of(labels), metric_scale(metric)
    with drawing():
        draw = _in_rows if any(panel.ticks for panel in panels) else _over_numbers
        return draw(title, panels, looks if labels != [""] * len(labels) else {"": look_of(0)}, scale)


def _over_numbers(title: str, panels: Sequence[Panel], looks: Looks, scale: AxisScale) -> "Picture":
    columns = min(3, len(panels))
    shape = (-(-len(panels) // columns), columns)
    size = (max(7.0, PANEL_WIDTH * columns), PANEL_HEIGHT * shape[0])
    room = size[0] / columns - 1.3
    entries, says = _entries(looks), _says(panels)
    sheet = Sheet(title, says, size, shape, entries, panels[0].legend if entries else "")
    for axes, panel in zip(sheet.axes, panels, strict=False):
        set_values(axes, panels, scale)
        draw_over_setting(axes, panel, looks, scale)
        panel_title(axes, panel.title, room)
        axis_label(axes, "x", panel.x_label, room)
        axis_label(axes, "y", scale.label, PANEL_HEIGHT - 1)
    sheet.place_all(
        head_room((panel.title for panel in panels), room), FOOT + head_room([panels[0].x_label], room) - 0.2
    )
    for axes in sheet.axes[len(panels) :]:
        axes.remove()
    return sheet.finished()


def _entries(looks: Looks) -> Looks | None:
    return None if list(looks) == [""] else looks


def _in_rows(title: str, panels: Sequence[Panel], looks: Looks, scale: AxisScale) -> "Picture":
    """Return a picture with a row for each word of a setting, one below the other."""
    rows = [RowPanel(scale, _rows_of(panel, looks), panel.title) for panel in panels]
    entries = _entries(looks)
    return draw_rows(title, _says(panels), rows, entries, panels[0].legend if entries else "")


def _rows_of(panel: Panel, looks: Looks) -> list[Row]:
    return [
        Row(tick, [_seeds(series, place, looks) for series in panel.series if place in series.x])
        for place, tick in enumerate(panel.ticks)
    ]


def _seeds(series: Series, place: int, looks: Looks) -> Seeds:
    i = list(series.x).index(place)
    return Seeds(looks[series.label], series.values[i], series.means[i], series.lows[i], series.highs[i])


def _says(panels: Sequence[Panel], *, is_over_steps: bool = False) -> str:
    """Return the caption: of how many seeds the means are, and which interval is drawn."""
    counts = [len(values) for panel in panels for series in panel.series for values in series.values[-1:]]
    mean = f"Mean over {seeds_text(counts)}"
    if max(counts, default=0) < FEWEST_SEEDS:
        dots = "dots are seeds; " * (max(counts, default=0) > 1)
        return f"{mean}; {dots}no interval below {FEWEST_SEEDS} seeds."
    where = "band" if is_over_steps else "bar"
    dots = "dots are seeds at the last step" if is_over_steps else "dots are seeds"
    return f"{mean}; {where}: 95 % interval of the mean; {dots}."
