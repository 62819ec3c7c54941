"""Draws a comparison over the steps, or over a setting."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from normbench.errors import ComparisonError
from normbench.evidence.comparison.comparison import StudyComparison
from normbench.evidence.comparison.pivot import Pivot
from normbench.evidence.metrics.scales import is_accuracy
from normbench.report.blocks.numbers import metric_title
from normbench.report.figures.panels import STEP, Panel, panel_over_setting, panel_over_steps
from normbench.storage.files.atomic import replacing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Picture

SUFFIXES = (".png", ".svg")
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#7F7F7F")
"""Told apart without red-green vision: Okabe and Ito (2008), grey for their yellow, which is pale on white."""
STYLES = ("-", "--", ":")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
MAX_LINES = len(COLORS) * len(STYLES)
MAX_PANELS = 6
DECADE = 10.0
MAX_DRAWN = 1e290
DODGE = 0.01
"""Between neighbouring lines at the same value, as a share of the axis."""
MAX_TICKS = 10
LEGEND_LINE, LEGEND_LETTERS = 0.22, 30
"""Inches of one line of the legend, and letters that fit into a third of a panel's width of it."""


def check_path(path: Path) -> None:
    """Refuse a path that is not .png or .svg.

    Raises:
        ComparisonError: Another suffix than .png or .svg.
    """
    if path.suffix.lower() not in SUFFIXES:
        rule = f"must end in {' or '.join(SUFFIXES)}, got {path.suffix!r}"
        raise ComparisonError(f"--plot {path}: {rule}. Example: --plot figure.png")


def save_figure(path: Path, comparisons: Sequence[StudyComparison], tables: Sequence[Sequence[Pivot]]) -> None:
    """Draw the first metric of one study into a file; equal runs give equal bytes.

    Args:
        path: A PNG or SVG file.
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
    _check_size(path, panels)
    write_picture(_draw(panels, comparison.question or comparison.study, metric), path)


def _check_size(path: Path, panels: Sequence[Panel]) -> None:
    num_lines = max(len(panel.series) for panel in panels)
    for number, most, what in ((num_lines, MAX_LINES, "lines"), (len(panels), MAX_PANELS, "tables")):
        if number > most:
            raise ComparisonError(f"--plot {path}: must hold at most {most} {what}, got {number}. Choose with --where.")


def _draw(panels: Sequence[Panel], title: str, metric: str) -> "Picture":
    from matplotlib.figure import Figure as Picture  # a second to import; only where a picture is drawn

    columns = min(3, len(panels))
    rows = -(-len(panels) // columns)
    labels = list(dict.fromkeys(series.label for panel in panels for series in panel.series))
    num_legend_columns = _legend_columns(labels, 3 if columns == 1 else 2 * columns)
    height = 0.8 + 3.9 * rows + LEGEND_LINE * -(-len(labels) // num_legend_columns)
    picture = Picture(figsize=(max(7.0, 4.6 * columns), height), dpi=120, layout="constrained")
    grid = list(picture.subplots(rows, columns, sharey=True, squeeze=False).flat)
    for axes, panel in zip(grid, panels, strict=False):
        _draw_panel(axes, panel, labels, scale=100 if is_accuracy(metric) else 1)
    for axes in grid[len(panels) :]:
        axes.set_visible(False)
    for axes in grid[::columns]:
        axes.set_ylabel(_y_label(metric))
    _scale_y(grid[0], [mean for panel in panels for series in panel.series for mean in series.means], metric)
    _legend(picture, grid[: len(panels)], labels, panels[0].legend, num_legend_columns)
    picture.suptitle(title, fontsize=11, wrap=True)
    return picture


def _scale_y(axes: "Axes", means: Sequence[float], metric: str) -> None:
    """Make the y axis logarithmic if means span more than a decade; wide intervals may exceed its range."""
    scaled = [_finite_for_drawing((100 if is_accuracy(metric) else 1) * mean) for mean in means]
    known = [mean for mean in scaled if math.isfinite(mean)]
    if not known:
        return
    if spans_a_decade(known):
        axes.set_yscale("log")
        low, high = axes.get_ylim()
        axes.set_ylim(max(low, min(known) / DECADE), min(high, max(known) * DECADE))
        return
    low, high = axes.get_ylim()
    room = 2 * max(max(known) - min(known), max(map(abs, known)) / 2)
    axes.set_ylim(max(low, min(known) - room), min(high, max(known) + room))


def _y_label(metric: str) -> str:
    return f"{metric_title(metric)} (%)" if is_accuracy(metric) else metric_title(metric)


def _legend_columns(labels: Sequence[str], most: int) -> int:
    widest = max(map(len, labels))
    return max(1, min(len(labels), most * LEGEND_LETTERS // (widest + 6)))


def _legend(picture: "Picture", grid: "Sequence[Axes]", labels: Sequence[str], title: str, num_columns: int) -> None:
    """Draw one legend under all panels."""
    found = {label: handle for axes in grid for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)}
    if labels != [""]:
        handles = [found[label] for label in labels]
        legend = picture.legend(
            handles, labels, loc="outside lower center", ncols=num_columns, fontsize=8, frameon=False
        )
        legend.set_title(title)
        legend.get_title().set_fontsize(9)


def _draw_panel(axes: "Axes", panel: Panel, labels: Sequence[str], *, scale: float) -> None:
    for series in panel.series:
        i = labels.index(series.label)
        color, style = COLORS[i % len(COLORS)], STYLES[i // len(COLORS)]
        means = [_finite_for_drawing(scale * mean) for mean in series.means]
        lows, highs = (
            [mean if end is None else _finite_for_drawing(scale * end) for mean, end in zip(means, ends, strict=True)]
            for ends in (series.lows, series.highs)
        )
        x = _moved_aside(panel, series.x, i - (len(labels) - 1) / 2)
        if panel.x_label == STEP:
            axes.plot(series.x, means, style, color=color, lw=1.8, label=series.label)
            axes.fill_between(series.x, lows, highs, color=color, alpha=0.15, lw=0)
        else:
            line, marker = "none" if panel.ticks else style, MARKERS[i % len(MARKERS)]
            axes.plot(x, means, ls=line, marker=marker, color=color, lw=1.8, ms=5, label=series.label)
            axes.vlines(x, lows, highs, color=color, lw=1.2)
    _set_axes(axes, panel)


def _finite_for_drawing(value: float) -> float:
    """Return the number, or nan where it is too large for matplotlib."""
    return value if abs(value) <= MAX_DRAWN else math.nan


def _moved_aside(panel: Panel, x: Sequence[float], place: float) -> list[float]:
    """Move a line's points aside a little, so that intervals of several lines do not hide each other."""
    xs = [at for series in panel.series for at in series.x]
    if panel.ticks or not spans_a_decade(xs):
        return [at + place * DODGE * (max(xs) - min(xs)) for at in x]
    return [at * (max(xs) / min(xs)) ** (place * DODGE) for at in x]


def _set_axes(axes: "Axes", panel: Panel) -> None:
    """Set title, grid and x axis: a sweep's own values as ticks, logarithmic if they span more than a decade."""
    xs = sorted({x for series in panel.series for x in series.x})
    if panel.ticks:
        axes.set_xticks(range(len(panel.ticks)), [tick.replace(" (", "\n(") for tick in panel.ticks])
    elif panel.x_label != STEP:
        if spans_a_decade(xs):
            axes.set_xscale("log")
        if len(xs) <= MAX_TICKS:
            axes.set_xticks(xs, [f"{x:g}" for x in xs])
            axes.minorticks_off()
    axes.set(title=panel.title, xlabel=panel.x_label)
    axes.grid(alpha=0.25, lw=0.6)


def spans_a_decade(values: Sequence[float]) -> bool:
    """Return whether numbers need a logarithmic axis: all positive, and the largest over ten times the smallest.

    Example:
        >>> spans_a_decade([2, 32]), spans_a_decade([2, 20]), spans_a_decade([0.0, 1.0])
        (True, False, False)
    """
    known = [value for value in values if math.isfinite(value)]
    return bool(known) and min(known) > 0 and max(known) > DECADE * min(known)


def write_picture(picture: "Picture", path: Path) -> None:
    """Write a picture as PNG or SVG; equal pictures give equal bytes.

    Raises:
        ComparisonError: The file cannot be written.
    """
    try:
        with replacing(path) as part:
            _write(picture, part, path.suffix.lower())
    except OSError as error:
        rule = f"must be a file this user may write, got: {error.strerror}"
        raise ComparisonError(f"--plot {path}: {rule}. Choose another.") from None


def _write(picture: "Picture", path: Path, suffix: str) -> None:
    import matplotlib as mpl

    if suffix == ".png":
        picture.savefig(path, format="png", metadata={"Software": None})
        return
    with mpl.rc_context({"svg.hashsalt": "normbench"}):
        picture.savefig(path, format="svg", metadata={"Date": None})
