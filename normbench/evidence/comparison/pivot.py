"""Makes tables of the first metric by one or two settings, with one arm per cell, effects and trends."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from normbench.evidence.comparison.baselines import Baseline
from normbench.evidence.comparison.comparison import StudyComparison
from normbench.evidence.comparison.effects import main_metric
from normbench.evidence.comparison.pair_effects import ArmValues, Pair, judged_pairs
from normbench.evidence.comparison.pivot_axes import (
    cell_labels,
    check_keys,
    fixed_values,
    is_number,
    other_keys,
    setting_value,
    split_keys,
)
from normbench.evidence.comparison.rows import Row, SeedSummary
from normbench.evidence.comparison.split_data import SplitData
from normbench.evidence.comparison.trends import Along, judged_trends
from normbench.evidence.statistics.paired_effect import Effect
from normbench.evidence.statistics.seed_plan import SeedPlan
from normbench.evidence.statistics.sweeps import Trend


@dataclass(frozen=True)
class PivotCell:
    """One arm in a table by settings.

    Attributes:
        arm: The arm's label.
        seeds: Seeds with a finished run.
        figure: The summary of the metric.
        num_diverged: Number of its runs that diverged.
        num_collapsed: Number of its runs that collapsed; those that diverged are among them.
        collapsed_seeds: Seeds of these runs.
        data: The arm's finite data and their splits; None where each seed draws new data.
        bounded: Of finite data the values with failed runs at the constant predictor's; else empty.
        effect: Effect against the baseline's arm in the same column.
        is_baseline: Whether it is a baseline, or the arm that a baseline was tuned from.
    """

    arm: str
    seeds: tuple[int, ...]
    figure: SeedSummary
    num_diverged: int
    effect: Effect | None = None
    is_baseline: bool = False
    num_collapsed: int = 0
    collapsed_seeds: tuple[int, ...] = ()
    data: SplitData | None = None
    bounded: tuple[float, ...] = ()

    @property
    def values(self) -> ArmValues:
        """The metric's value for each seed, also with failed runs bounded, and the arm's data."""
        bounded = dict(zip(self.seeds, self.bounded, strict=True)) if self.data else {}
        return ArmValues(dict(zip(self.seeds, self.figure.values, strict=True)), bounded, self.data)


@dataclass(frozen=True)
class PivotRow:
    """One row of a table by settings: one value of the first key.

    Attributes:
        label: The value as text; for a part, with those of its settings that differ.
        value: The value itself.
        cells: One cell per column; None where there is no such arm.
        change: Effect of the last column against the first, where columns are numbers.
        trend: Trend along the columns, where they are numbers.
    """

    label: str
    value: Any
    cells: tuple[PivotCell | None, ...]
    change: Effect | None = None
    trend: Trend | None = None


@dataclass(frozen=True)
class Pivot:
    """One table of a study by one or two settings.

    Attributes:
        study: The study's name.
        metric: The metric in the cells.
        by: Full keys of the one or two settings.
        columns: Labels of the second setting's values; one empty label if there is no second setting.
        column_values: The second setting's values.
        lines: One line per value of the first setting.
        fixed: Values that all arms of this table share and other tables of the study do not have.
        not_fixed: Other settings that differ between cells.
        baseline: Label of the baseline's line.
        trend: Trend along the lines of a table by one numeric setting.
        judges_collapse: Whether a run can collapse without diverging.
    """

    study: str
    metric: str
    by: tuple[str, ...]
    columns: tuple[str, ...]
    column_values: tuple[Any, ...]
    lines: tuple[PivotRow, ...]
    fixed: Mapping[str, str]
    not_fixed: tuple[str, ...]
    baseline: str | None = None
    trend: Trend | None = None
    judges_collapse: bool = False


def make_pivots(comparison: StudyComparison, by: Sequence[str]) -> list[Pivot]:
    """Return the first metric by settings: one table per combination of the other settings that differ.

    Args:
        comparison: The comparison of a study's arms.
        by: One setting, the rows; or two, rows and columns.

    Raises:
        ComparisonError: There is no such setting, or two arms would share a cell.
    """
    if not comparison.rows:
        return []
    check_keys(comparison, by)
    places, others = cell_labels(comparison, by), other_keys(comparison, by)
    split = split_keys(comparison, places, others)
    tables: dict[tuple[str, ...], dict[tuple[str, ...], Row]] = {}
    for place, row in zip(places, comparison.rows, strict=True):
        tables.setdefault(fixed_values(row, split), {})[place] = row
    not_fixed = tuple(key for key in others if key not in split)
    made = [
        replace(
            _make_table(comparison, tuple(by), rows),
            fixed=dict(zip(split, fixed, strict=True)),
            not_fixed=not_fixed,
            judges_collapse=comparison.judges_collapse,
        )
        for fixed, rows in tables.items()
    ]
    has_verdicts = main_metric(comparison) and not comparison.not_learned
    return [_with_verdicts(pivot, comparison.seed_plan) for pivot in made] if has_verdicts else made


def _make_table(comparison: StudyComparison, by: tuple[str, ...], rows: Mapping[tuple[str, ...], Row]) -> Pivot:
    metric = next(iter(comparison.rows[0].figures))
    first = _ordered({place[0]: setting_value(row, by[0]) for place, row in rows.items()})
    second = _ordered({place[1]: setting_value(row, by[1]) for place, row in rows.items()}) if by[1:] else {"": None}
    lines = []
    for label, found in first.items():
        of = [rows.get((label, column) if by[1:] else (label,)) for column in second]
        lines.append(PivotRow(label, found, tuple(_make_cell(row, metric, comparison.against) for row in of)))
    return Pivot(comparison.study, metric, by, tuple(second), tuple(second.values()), tuple(lines), {}, ())


def _ordered(values: dict[str, Any]) -> dict[str, Any]:
    """Return numbers by size, anything else in the order of the study."""
    if not all(map(is_number, values.values())):
        return values
    return dict(sorted(values.items(), key=lambda pair: (pair[1], pair[0])))


def _make_cell(row: Row | None, metric: str, baseline: Baseline | None) -> PivotCell | None:
    if row is None:
        return None
    is_baseline = baseline is not None and replace(baseline, is_tuned=False).matches(row.labelled.id)
    return PivotCell(
        row.arm,
        row.seeds,
        row.figures[metric],
        row.num_diverged,
        is_baseline=is_baseline,
        num_collapsed=row.num_collapsed,
        collapsed_seeds=row.collapsed_seeds,
        data=row.data,
        bounded=row.bounded.get(metric, ()),
    )


def _with_verdicts(pivot: Pivot, plan: SeedPlan) -> Pivot:
    """Add effects against the baseline, changes from first to last column, and trends; each kind corrected by Holm."""
    lines = _with_effects(pivot, plan)
    if not pivot.by[1:]:
        along = _trend(pivot, pivot.by[0], [(line.value, line.cells[0]) for line in lines])
        trend = judged_trends([along], plan)[0] if along else None
        return replace(pivot, lines=lines, baseline=_baseline_line(pivot), trend=trend)
    lines = _with_trends(pivot, _with_changes(pivot, lines, plan), plan)
    return replace(pivot, lines=lines, baseline=_baseline_line(pivot))


def _baseline_line(pivot: Pivot) -> str | None:
    """Return the label of the line with the baseline's arms; None if they are in several lines."""
    holding = [line for line in pivot.lines if any(cell and cell.is_baseline for cell in line.cells)]
    return holding[0].label if len(holding) == 1 else None


def _with_effects(pivot: Pivot, plan: SeedPlan) -> tuple[PivotRow, ...]:
    label = _baseline_line(pivot)
    base = next((line for line in pivot.lines if line.label == label), None)
    if base is None:
        return pivot.lines
    pairs = {
        (i, j): (cell.values, against.values)
        for i, line in enumerate(pivot.lines)
        for j, (cell, against) in enumerate(zip(line.cells, base.cells, strict=True))
        if line is not base and cell and against
    }
    judged = dict(zip(pairs, judged_pairs(pivot.metric, list(pairs.values()), plan), strict=True))
    return tuple(
        replace(
            line, cells=tuple(cell and replace(cell, effect=judged.get((i, j))) for j, cell in enumerate(line.cells))
        )
        for i, line in enumerate(pivot.lines)
    )


def _with_changes(pivot: Pivot, lines: Sequence[PivotRow], plan: SeedPlan) -> tuple[PivotRow, ...]:
    ordered = all(map(is_number, pivot.column_values))
    found = {i: _ends(line) for i, line in enumerate(lines) if ordered}
    pairs = {i: pair for i, pair in found.items() if pair}
    judged = dict(zip(pairs, judged_pairs(pivot.metric, list(pairs.values()), plan), strict=True))
    return tuple(replace(line, change=judged.get(i)) for i, line in enumerate(lines))


def _ends(line: PivotRow) -> Pair | None:
    """Return the last column and the first; None if a cell is empty or there is one column."""
    first, last = line.cells[0], line.cells[-1]
    return (last.values, first.values) if first and last and last is not first else None


def _with_trends(pivot: Pivot, lines: Sequence[PivotRow], plan: SeedPlan) -> tuple[PivotRow, ...]:
    found = {
        i: _trend(pivot, pivot.by[1], list(zip(pivot.column_values, line.cells, strict=True)))
        for i, line in enumerate(lines)
    }
    alongs = {i: along for i, along in found.items() if along}
    judged = dict(zip(alongs, judged_trends(list(alongs.values()), plan), strict=True))
    return tuple(replace(line, trend=judged.get(i)) for i, line in enumerate(lines))


def _trend(pivot: Pivot, key: str, cells: Sequence[tuple[Any, PivotCell | None]]) -> Along | None:
    """Return a line of cells to look for a trend along; None if the setting is not numeric, or there is one cell."""
    there = [(found, cell) for found, cell in cells if cell is not None]
    if len(there) < 2 or not all(is_number(found) for found, _ in there):
        return None
    return Along(pivot.metric, key, [float(found) for found, _ in there], [cell.values for _, cell in there])
