"""Draws a comparison over the steps, or over a setting."""

from collections.abc import Iterable, Sequence
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
from normbench.report.figures.sheet import Sheet, axis_label, drawing, panel_title
from normbench.report.figures.words import seeds_text
from normbench.report.figures.writing import check_path, write_picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture

MAX_PANELS = 6
PANEL_WIDTH, PANEL_HEIGHT, LOW_PANEL_HEIGHT = 4.6, 3.9, 2.6
STRIP = 0.24
"""Inches for each arm's seeds at the last step."""


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
    strip = 0.2 + STRIP * len(looks)
    height = PANEL_HEIGHT if len(panels) == 1 else LOW_PANEL_HEIGHT
    size, widths = (max(PANEL_WIDTH + 1.6 + strip, 6.5), height * len(panels)), [PANEL_WIDTH + 1.0, strip]
    with drawing():
        says, shape = _says(panels, is_over_steps=True), (len(panels), 2)
        sheet = Sheet(title, says, size, shape, looks, width_ratios=widths)
        for i, panel in enumerate(panels):
            scale = metric_scale(metric) if len(panels) == 1 else AxisScale(panel.title, metric_scale(metric).bounds)
            axes, last = sheet.axes[2 * i : 2 * i + 2]
            for one in (axes, last):
                set_values(one, [panel], scale)
            last.tick_params(labelleft=False)
            draw_over_steps(axes, panel, looks, scale)
            draw_last(last, panel, looks, scale)
            panel_title(axes, panel.title * (len(panels) == 1), PANEL_WIDTH)
            axis_label(axes, "y", scale.label, height - 1)
            last.set_xlabel("last step" if len(looks) > 2 else "end")
        return sheet.finished()


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
    entries, says = _entries(looks), _says(panels)
    sheet = Sheet(title, says, size, shape, entries, panels[0].legend if entries else "")
    for axes, panel in zip(sheet.axes, panels, strict=False):
        set_values(axes, panels, scale)
        draw_over_setting(axes, panel, looks, scale)
        panel_title(axes, panel.title, size[0] / columns - 1)
        axis_label(axes, "y", scale.label, PANEL_HEIGHT - 1)
    for axes in sheet.axes[len(panels) :]:
        axes.set_visible(False)
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
