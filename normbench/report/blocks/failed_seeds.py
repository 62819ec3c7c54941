"""Writes which seeds of each arm collapsed or diverged, with the rate that they leave room for."""

from collections.abc import Sequence

from normbench.evidence.comparison.comparison import StudyComparison
from normbench.evidence.comparison.rows import Row
from normbench.report.blocks.block import Block, Column, Table, as_lines, keys, words
from normbench.report.blocks.failed_runs import failure_lines
from normbench.report.blocks.numbers import percent

MAX_SEEDS = 32
"""Seeds that are named one by one."""


def failed_seeds_blocks(comparison: StudyComparison) -> list[Block]:
    """Return the collapsed and diverged runs of the arms that have some, and what none in an arm leaves open."""
    failed = [row for row in comparison.rows if row.num_collapsed or row.num_diverged]
    lines = as_lines([_counted(comparison, failed), *failure_lines(comparison, list(comparison.rows[0].figures))])
    return [Block(table=_table(failed), lines=lines) if failed else Block(lines=lines)]


def _counted(comparison: StudyComparison, failed: Sequence[Row]) -> str:
    runs = sum(len(row.seeds) for row in comparison.rows)
    if not failed:
        return f"None of {runs:,} runs {'collapsed or diverged' if comparison.judges_collapse else 'diverged'}."
    rule = f" A run counts as collapsed if it {comparison.collapse_rule}." * comparison.judges_collapse
    return f"In {len(failed)} of {len(comparison.rows)} arms.{rule}"


def _table(failed: Sequence[Row]) -> Table:
    rates = [row.collapse_rate for row in failed]
    return Table(
        [
            keys("arm", [row.arm for row in failed]),
            Column("collapsed", [f"{row.num_collapsed} of {len(row.seeds)}" for row in failed]),
            Column("diverged", [f"{row.num_diverged} of {len(row.seeds)}" for row in failed]),
            Column("rate of collapse (95 %)", [f"{percent(r[0])} to {percent(r[1])}" if r else None for r in rates]),
            words("seeds", [_seeds(row.collapsed_seeds) for row in failed]),
        ]
    )


def _seeds(seeds: Sequence[int]) -> str:
    more = f" and {len(seeds) - MAX_SEEDS} more" if len(seeds) > MAX_SEEDS else ""
    return ", ".join(map(str, seeds[:MAX_SEEDS])) + more
