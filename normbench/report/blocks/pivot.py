"""A comparison by settings as tables: cells, then what each column says against the baseline."""

from collections.abc import Sequence

from rich.console import Console

from normbench.evidence.comparison.pivot import Cell, Pivot
from normbench.evidence.statistics.sweeps import Trend
from normbench.report.blocks.comparison_table import headers_in_lines, metric_title
from normbench.report.blocks.grids import Grid, print_grid
from normbench.report.blocks.numbers import effect_text, mean_text, verdict_text


def print_pivots(console: Console, pivots: Sequence[Pivot]) -> None:
    """Print one table per pivot, each with its verdicts."""
    for i, pivot in enumerate(pivots):
        if i:
            console.print()
        console.print(pivot_title(pivot), soft_wrap=True)
        for grid in pivot_grids(pivot):
            print_grid(console, grid)
        for line in pivot_notes(pivot):
            console.print(line, soft_wrap=True)


def pivot_title(pivot: Pivot) -> str:
    """Say what the cells are."""
    fixed = "".join(f", {key} {value}" for key, value in pivot.fixed.items())
    return f"{pivot.study} · {metric_title(pivot.metric)} by {' and '.join(pivot.by)}{fixed}: mean [95 % interval]"


def pivot_grids(pivot: Pivot) -> list[Grid]:
    """Return the table of means; where there are columns, also what happens along them, and against the baseline."""
    if not pivot.by[1:]:
        return [_list(pivot)]
    along = [_changes(pivot)] if any(line.change for line in pivot.lines) else []
    return [_means(pivot), *along, *([_effects(pivot)] if pivot.baseline else [])]


def pivot_notes(pivot: Pivot) -> list[str]:
    """Return the trend along a single setting, what was not held fixed, and how the verdicts came about."""
    along = f"{metric_title(pivot.metric)} along {pivot.by[0]}: {trend_text(pivot.trend)}." if pivot.trend else ""
    loose = f"Not held fixed: {', '.join(pivot.not_fixed)}." if pivot.not_fixed else ""
    return [line for line in (along, loose, _method(pivot)) if line]


def trend_text(found: Trend | None) -> str:
    """Write a trend with its corrected p."""
    if found is None:
        return "-"
    if found.verdict == "too few seeds":
        return f"too few seeds, {found.seeds_needed} needed"
    return f"{found.verdict} (tau {found.tau:+.2f}, p {found.p_corrected:.2g})"


def _list(pivot: Pivot) -> Grid:
    headers = [pivot.by[0], metric_title(pivot.metric), "seeds"]
    judged = any(cell and cell.effect for line in pivot.lines for cell in line.cells)
    headers += [f"against {pivot.baseline}", "verdict"] * judged
    rows = []
    for line in pivot.lines:
        cell = line.cells[0]
        seeds = str(len(cell.seeds)) if cell else "0"
        effect = cell.effect if cell else None
        rows.append([line.label, _cell(pivot, cell), seeds, *[effect_text(effect), verdict_text(effect)] * judged])
    return Grid(headers_in_lines(headers), rows, (0, *range(3, len(headers))))


def _means(pivot: Pivot) -> Grid:
    columns = [f"{pivot.by[1] if i == 0 else ''}\n{column}" for i, column in enumerate(pivot.columns)]
    rows = [[line.label, *(_cell(pivot, cell) for cell in line.cells)] for line in pivot.lines]
    return Grid([f"\n{pivot.by[0]}", *columns], rows, (0,))


def _changes(pivot: Pivot) -> Grid:
    """Each row's last column against its first, and its trend."""
    headers = [pivot.by[0], f"{pivot.columns[-1]} against {pivot.columns[0]}", "verdict", f"along {pivot.by[1]}"]
    rows = [
        [line.label, effect_text(line.change), verdict_text(line.change), trend_text(line.trend)]
        for line in pivot.lines
        if line.change
    ]
    return Grid(headers, rows, (0, 1, 2, 3))


def _effects(pivot: Pivot) -> Grid:
    """Each cell against the baseline's in the same column; one row per line and column, for the eye to run down."""
    headers = [pivot.by[0], pivot.by[1], f"against {pivot.baseline}", "verdict"]
    rows = [
        [line.label, column, effect_text(cell.effect), verdict_text(cell.effect)]
        for line in pivot.lines
        for column, cell in zip(pivot.columns, line.cells, strict=True)
        if cell and cell.effect
    ]
    return Grid(headers_in_lines(headers), rows, (0, 1, 2, 3))


def _cell(pivot: Pivot, cell: Cell | None) -> str:
    if cell is None:
        return "-"
    most = max(len(other.seeds) for line in pivot.lines for other in line.cells if other)
    few = [f"n {len(cell.seeds)}"] if len(cell.seeds) < most else []
    marks = [*few, *([f"{cell.num_diverged} diverged"] if cell.num_diverged else [])]
    return mean_text(pivot.metric, cell.figure) + (f" ({', '.join(marks)})" if marks else "")


def _method(pivot: Pivot) -> str:
    cells = [cell for line in pivot.lines for cell in line.cells if cell]
    counts = sorted({len(cell.seeds) for cell in cells})
    seeds = f"{counts[0]} seeds a cell" if len(counts) == 1 else f"{counts[0]} to {counts[-1]} seeds a cell"
    has_verdicts = any(cell.effect for cell in cells) or any(line.change for line in pivot.lines)
    verdicts = " Verdicts: paired by seed, sign-flip test, Holm over each table's comparisons." if has_verdicts else ""
    has_trends = pivot.trend or any(line.trend for line in pivot.lines)
    trends = " Falls and rises: Kendall's tau per seed, sign-flip test, Holm over rows." if has_trends else ""
    return f"{seeds}.{verdicts}{trends}"
