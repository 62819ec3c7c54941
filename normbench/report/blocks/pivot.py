"""Writes comparisons by settings as tables: means, changes, and effects against the baseline."""

from collections.abc import Sequence

from normbench.evidence.comparison.pivot import Pivot, PivotCell
from normbench.evidence.statistics.paired_effect import Effect
from normbench.evidence.statistics.sweeps import Trend
from normbench.report.blocks.block import Block, Column, Table, as_lines, keys, words
from normbench.report.blocks.finite_words import is_of_new_data
from normbench.report.blocks.numbers import mean_text, metric_title


def pivot_blocks(pivots: Sequence[Pivot]) -> list[Block]:
    """Return the tables of each pivot with their notes."""
    return [block for pivot in pivots for block in _blocks(pivot)]


def _blocks(pivot: Pivot) -> list[Block]:
    first, *others = pivot_tables(pivot)
    below = Block(lines=as_lines(pivot_notes(pivot)), is_joined=True)
    return [Block(pivot_title(pivot), first), *(Block(table=table, is_joined=True) for table in others), below]


def pivot_title(pivot: Pivot) -> str:
    """Return the title of a pivot: its metric and settings."""
    fixed = "".join(f", {key} {value}" for key, value in pivot.fixed.items())
    return f"{pivot.study} · {metric_title(pivot.metric)} by {' and '.join(pivot.by)}{fixed}: mean [95 % interval]"


def pivot_tables(pivot: Pivot) -> list[Table]:
    """Return the table of means, and with columns also those of changes and of effects against the baseline."""
    if not pivot.by[1:]:
        return [_list_table(pivot)]
    along = [_changes_table(pivot)] if any(line.change for line in pivot.lines) else []
    return [_means_table(pivot), *along, *([_effects_table(pivot)] if pivot.baseline else [])]


def pivot_notes(pivot: Pivot) -> list[str]:
    """Return the trend along a single setting, the settings that were not held fixed, and a note on the tests."""
    along = f"{metric_title(pivot.metric)} along {pivot.by[0]}: {trend_text(pivot.trend)}." if pivot.trend else ""
    loose = f"Not held fixed: {', '.join(pivot.not_fixed)}." if pivot.not_fixed else ""
    return [line for line in (along, loose, _method(pivot)) if line]


def trend_text(found: Trend | None) -> str:
    """Return a trend with its corrected p as text."""
    if found is None:
        return "-"
    if found.verdict == "too few seeds":
        return f"too few seeds, {found.seeds_needed} needed"
    if found.rule.why_not:
        return found.verdict
    return f"{found.verdict} (tau {found.tau:+.2f}, p {found.p_corrected:.2g})"


def _list_table(pivot: Pivot) -> Table:
    cells = [line.cells[0] for line in pivot.lines]
    columns = [
        keys(pivot.by[0], [line.label for line in pivot.lines]),
        Column(metric_title(pivot.metric), [_cell_text(pivot, cell) for cell in cells]),
        Column("seeds", [len(cell.seeds) if cell else 0 for cell in cells]),
    ]
    effects = [cell.effect if cell else None for cell in cells]
    if any(effects):
        columns += _effect_columns(f"against {pivot.baseline}", effects)
    return Table(columns, _counts(pivot))


def _effect_columns(title: str, effects: Sequence[Effect | None]) -> list[Column]:
    """Return effects with their verdicts; on finite data the verdicts on new data, with their intervals."""
    known, blank = [effect or "baseline" for effect in effects], [effect or "" for effect in effects]
    if not any(map(is_of_new_data, effects)):
        return [Column(title, known), words("verdict", blank, what="verdict")]
    on_new = Column("on new data", known, what="new_interval")
    return [Column(f"{title} on these rows", known), on_new, words("verdict on new", blank, what="new_verdict")]


def _means_table(pivot: Pivot) -> Table:
    places = list(zip(*(line.cells for line in pivot.lines), strict=True))
    columns = [
        Column(name, [_cell_text(pivot, cell) for cell in cells], group=pivot.by[1])
        for name, cells in zip(pivot.columns, places, strict=True)
    ]
    return Table([keys(pivot.by[0], [line.label for line in pivot.lines]), *columns], _counts(pivot))


def _changes_table(pivot: Pivot) -> Table:
    """Return the table of each line's change from first to last column, and its trend."""
    lines = [line for line in pivot.lines if line.change]
    changes = [line.change for line in lines]
    return Table(
        [
            keys(pivot.by[0], [line.label for line in lines]),
            *_effect_columns(f"{pivot.columns[-1]} against {pivot.columns[0]}", changes),
            words(f"along {pivot.by[1]}", [trend_text(line.trend) for line in lines]),
        ]
    )


def _effects_table(pivot: Pivot) -> Table:
    """Return the table of effects against the baseline in the same column, with one row per line and column."""
    found = [
        (line.label, column, cell.effect)
        for line in pivot.lines
        for column, cell in zip(pivot.columns, line.cells, strict=True)
        if cell and cell.effect
    ]
    effects = [effect for _, _, effect in found]
    return Table(
        [
            keys(pivot.by[0], [label for label, _, _ in found]),
            keys(pivot.by[1], [column for _, column, _ in found]),
            *_effect_columns(f"against {pivot.baseline}", effects),
        ]
    )


def _cell_text(pivot: Pivot, cell: PivotCell | None) -> str:
    if cell is None:
        return "-"
    most = max(len(other.seeds) for line in pivot.lines for other in line.cells if other)
    few = [f"n {len(cell.seeds)}"] if len(cell.seeds) < most else []
    failed = f"{cell.num_collapsed} collapsed" * bool(cell.num_collapsed)
    if not pivot.judges_collapse:
        failed = f"{cell.num_diverged} diverged" * bool(cell.num_diverged)
    marks = [*few, *([failed] if failed else [])]
    return mean_text(pivot.metric, cell.figure) + (f" ({', '.join(marks)})" if marks else "")


def _counts(pivot: Pivot) -> list[int]:
    """Return the numbers of seeds of its cells."""
    return sorted({len(cell.seeds) for line in pivot.lines for cell in line.cells if cell})


def _method(pivot: Pivot) -> str:
    cells, counts = [cell for line in pivot.lines for cell in line.cells if cell], _counts(pivot)
    seeds = f"{counts[0]} seeds a cell" if len(counts) == 1 else f"{counts[0]} to {counts[-1]} seeds a cell"
    effects = [*(cell.effect for cell in cells), *(line.change for line in pivot.lines)]
    found = [trend for trend in (pivot.trend, *(line.trend for line in pivot.lines)) if trend]
    by = _test_words(is_new=any(map(is_of_new_data, effects)))
    trends_by = _test_words(is_new=any(trend.rule.kind == "new data" for trend in found))
    verdicts = f" Verdicts: {by}, Holm over each table's comparisons." if any(effects) else ""
    trends = f" Falls and rises: Kendall's tau per seed, {trends_by}, Holm over rows." if found else ""
    return f"{seeds}.{verdicts}{trends}"


def _test_words(*, is_new: bool) -> str:
    return "on new data by the corrected t" if is_new else "on the typical seed"
