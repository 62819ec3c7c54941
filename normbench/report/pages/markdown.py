"""Comparisons as GitHub markdown."""

from collections.abc import Sequence

from normbench.evidence.comparison.comparison import StudyComparison
from normbench.evidence.comparison.pivot import Pivot
from normbench.report.blocks.comparison_table import comparison_grid
from normbench.report.blocks.grids import Grid
from normbench.report.blocks.tables import headline, notes
from normbench.report.terminal.comparison import footnote
from normbench.report.terminal.pivot import pivot_grids, pivot_notes, pivot_title


def study_markdown(comparison: StudyComparison, pivots: Sequence[Pivot] = ()) -> str:
    """Return a study as markdown: its table with intervals, or its tables by settings where there are any."""
    parts = [f"### {headline(comparison)}".replace("\n", "\n\n")]
    for pivot in pivots:
        parts += [f"**{escaped(pivot_title(pivot))}**", *map(grid_markdown, pivot_grids(pivot)), *pivot_notes(pivot)]
    if comparison.rows and not pivots:
        parts.append(grid_markdown(comparison_grid(comparison, with_intervals=True)))
    parts += notes(comparison)
    return "\n\n".join(parts if pivots else [*parts, footnote(comparison)])


def grid_markdown(grid: Grid) -> str:
    """Return a grid as a GitHub table.

    Example:
        >>> print(grid_markdown(Grid(["norm", "test loss"], [["none", "0.5"]], left=(0,))))
        | norm | test loss |
        | --- | ---: |
        | none | 0.5 |
    """
    rules = ["---" if i in grid.left else "---:" for i in range(len(grid.headers))]
    headers = [escaped(header).strip() for header in grid.headers]
    lines = [headers, rules, *([escaped(cell) for cell in row] for row in grid.rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def escaped(text: str) -> str:
    """Return text that markdown shows as it is, within one line."""
    for letter in "|*_<":
        text = text.replace(letter, f"\\{letter}")
    return text.replace("\n", " ")
