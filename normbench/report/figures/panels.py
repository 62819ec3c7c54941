"""Computes the lines of a comparison's picture, over the steps or over a setting."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from normbench.errors import ComparisonError
from normbench.evidence.comparison.comparison import StudyComparison
from normbench.evidence.comparison.curves import mean_curve
from normbench.evidence.comparison.pivot import Pivot, PivotCell
from normbench.evidence.comparison.pivot_axes import is_number
from normbench.evidence.comparison.rows import Row
from normbench.evidence.metrics.run_metrics import OUTPUT_STDS, SURGE, is_over_layers
from normbench.evidence.metrics.scales import mean_interval
from normbench.storage.arm_id import TUNED
from normbench.storage.arm_labels import label_words, short_keys
from normbench.storage.run_folder import read_arm

STEP = "step"


@dataclass(frozen=True)
class Series:
    """One line of a picture: means with their intervals.

    Attributes:
        label: The line's label in the legend.
        x: Steps, or values of a setting.
        means: The mean at each x.
        lows: Lower ends of the 95 % intervals; None with one seed.
        highs: Upper ends of the intervals.
        values: The seeds' values at each x.
    """

    label: str
    x: Sequence[float]
    means: Sequence[float]
    lows: Sequence[float | None]
    highs: Sequence[float | None]
    values: Sequence[Sequence[float]]


@dataclass(frozen=True)
class Panel:
    """One pair of axes.

    Attributes:
        title: The settings that all its lines share.
        x_label: Label of the x axis.
        legend: Title of the legend.
        series: The lines.
        ticks: Words on the x axis; empty for numbers.
    """

    title: str
    x_label: str
    legend: str
    series: Sequence[Series]
    ticks: Sequence[str] = ()


def panel_over_steps(comparison: StudyComparison, metric: str) -> Panel:
    """Return the panel with one line per arm over the steps.

    Raises:
        ComparisonError: The metric has no value per step.
        RunFolderError: A run's file is missing or was changed.
    """
    column = metric.rsplit(maxsplit=1)[-1]
    if metric in (*OUTPUT_STDS, SURGE) or is_over_layers(metric):
        rule = "without --by it must be of a column or of a layer's statistic, which has a value at every step"
        raise ComparisonError(f"--plot: {rule}, got {metric!r}. Add --metric test_loss, or --by KEY.")
    common, names = own_words(comparison)
    series = [_over_steps(row, name, column) for row, name in zip(comparison.rows, names, strict=True)]
    return Panel(", ".join(common), STEP, "", series)


def own_words(comparison: StudyComparison) -> tuple[list[str], list[str]]:
    """Return the words that the labels of all arms share, and of each label the others."""
    words = _label_words(comparison)
    common = [word for word in words[0] if all(word in others for others in words)]
    own = [[word for word in own_words if word not in common] for own_words in words]
    names = [",".join(mine) or row.arm for row, mine in zip(comparison.rows, own, strict=True)]
    unique = names if len(set(names)) == len(names) else [row.arm for row in comparison.rows]
    return (common if len(words) > 1 and unique is names else []), unique


def _over_steps(row: Row, name: str, column: str) -> Series:
    points = mean_curve(read_arm(Path(row.folder)).runs, column, mean_interval)
    lows = [point.low if point.low > -math.inf else None for point in points]
    highs = [point.high if point.high < math.inf else None for point in points]
    means = [point.mean for point in points]
    return Series(name, [point.step for point in points], means, lows, highs, [point.values for point in points])


def _label_words(comparison: StudyComparison) -> list[list[str]]:
    """Return the words of each arm's label; words that all share become the title, others the legend."""
    short = short_keys(comparison.arm_set.set_keys)
    return [label_words(row.name, row.sets, short) + [str(TUNED)] * row.is_tuned for row in comparison.rows]


def panel_over_setting(pivot: Pivot) -> Panel:
    """Return the panel with one line per value of one setting along the other, preferably a numeric one."""
    across = bool(pivot.by[1:]) and (all(map(is_number, pivot.column_values)) or not _is_sweep(pivot))
    first = {line.label: line.value for line in pivot.lines}
    second = dict(zip(pivot.columns, pivot.column_values, strict=True))
    cells = {(line.label, key): cell for line in pivot.lines for key, cell in zip(second, line.cells, strict=True)}
    if not across:
        first, second = second, first
        cells = {(key, label): cell for (label, key), cell in cells.items()}
    numeric = all(map(is_number, second.values()))
    places = {label: float(value) if numeric else float(i) for i, (label, value) in enumerate(second.items())}
    series = [_series(label, {places[other]: cells[label, other] for other in second}) for label in first]
    x_key, line_key = (pivot.by[1], pivot.by[0]) if across else (pivot.by[0], "".join(pivot.by[1:]))
    title = ", ".join(f"{key} {value}" for key, value in pivot.fixed.items())
    return Panel(title, x_key, line_key, series, () if numeric else tuple(second))


def _is_sweep(pivot: Pivot) -> bool:
    return all(is_number(line.value) for line in pivot.lines)


def _series(label: str, cells: Mapping[float, PivotCell | None]) -> Series:
    there = {x: cell.figure for x, cell in cells.items() if cell}
    figures = list(there.values())
    return Series(
        label,
        list(there),
        [figure.mean for figure in figures],
        [figure.low for figure in figures],
        [figure.high for figure in figures],
        [figure.values for figure in figures],
    )
