"""Writes how many runs of each arm collapsed or diverged: columns of a comparison, and the lines below its table."""

from collections.abc import Sequence

from normbench.evidence.comparison.comparison import StudyComparison
from normbench.evidence.comparison.rows import Row
from normbench.report.blocks.block import Column
from normbench.report.blocks.numbers import diverged_mark, percent

DIVERGED_MEAN = "* With diverged runs: what each reached, or the constant predictor if worse."


def failure_columns(comparison: StudyComparison) -> list[Column]:
    """Return the collapsed runs of each arm, or the diverged ones where nothing else is a collapse; empty if none."""
    word = "collapsed" if comparison.judges_collapse else "diverged"
    counts = [_count(row, comparison) for row in comparison.rows]
    return [_shares(word, comparison.rows, counts)] if any(counts) else []


def failure_details(comparison: StudyComparison) -> list[Column]:
    """Return the 95 % interval of each arm's rate of collapse, and the diverged ones of its collapsed runs."""
    rows = comparison.rows
    rates = [row.collapse_rate for row in rows]
    if not comparison.judges_collapse or not comparison.is_evidence:
        return []
    texts = [f"{percent(rate[0]).removesuffix(' %')} to {percent(rate[1])}" if rate else None for rate in rates]
    diverged = [row.num_diverged for row in rows]
    return [Column("collapse rate", texts), *([_shares("diverged", rows, diverged)] if any(diverged) else [])]


def failure_lines(comparison: StudyComparison, metrics: Sequence[str]) -> list[str]:
    """Return what no collapse in an arm leaves open, and what a marked mean holds; ``metrics`` are those shown."""
    figures = [row.figures[metric] for row in comparison.rows for metric in metrics]
    marked = [DIVERGED_MEAN] if any(map(diverged_mark, figures)) else []
    return [*_room_left(comparison), *marked]


def _room_left(comparison: StudyComparison) -> list[str]:
    """Return the rate that the arm with the fewest seeds leaves open, of those in which no run collapsed."""
    clean = [row for row in comparison.rows if row.collapse_rate and not row.num_collapsed]
    if not clean or not comparison.judges_collapse or not comparison.is_evidence:
        return []
    fewest = min(clean, key=lambda row: len(row.seeds))
    rate = fewest.collapse_rate[1] if fewest.collapse_rate else 1.0
    return [f"0 of {len(fewest.seeds)} collapsed leaves room for a rate of up to {100 * rate:.2g} %."]


def _count(row: Row, comparison: StudyComparison) -> int:
    return row.num_collapsed if comparison.judges_collapse else row.num_diverged


def _shares(title: str, rows: Sequence[Row], counts: Sequence[int]) -> Column:
    return Column(title, [f"{count} of {len(row.seeds)}" for row, count in zip(rows, counts, strict=True)])
