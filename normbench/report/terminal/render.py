"""A table as headers and cells, and how it is written on a terminal."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

GAP = "  "


@dataclass(frozen=True)
class Grid:
    """Headers and cells.

    Attributes:
        headers: One per column; a line break stays one in the terminal.
        rows: Cells as they are shown.
        left: Columns that are flush left; the others are flush right.
    """

    headers: Sequence[str]
    rows: Sequence[Sequence[str]]
    left: Sequence[int] = ()


def plain_table(headers: Sequence[str], left: Sequence[int] = ()) -> Table:
    """Return a table without lines; columns are flush right but those in ``left``."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for i, header in enumerate(headers):
        table.add_column(header, justify="left" if i in left else "right", overflow="fold")
    return table


def print_grid(console: Console, grid: Grid) -> None:
    """Print a grid without lines; where it is wider than the console, rich folds its cells."""
    widths = [max(map(cell_len, column)) for column in zip(*_header_lines(grid), *grid.rows, strict=True)]
    if sum(widths) + len(GAP) * (len(widths) - 1) > console.width:
        table = plain_table(grid.headers, grid.left)
        for row in grid.rows:
            table.add_row(*row)
        console.print(table)
        return
    for line in _header_lines(grid):  # rich takes two seconds for a thousand rows, so they are written as they are
        console.print(Text(_line(line, widths, grid.left), style="bold"), soft_wrap=True)
    console.out("\n".join(_line(row, widths, grid.left) for row in grid.rows), highlight=False)


def _header_lines(grid: Grid) -> list[list[str]]:
    lines = [header.split("\n") for header in grid.headers]
    height = max(map(len, lines))
    return [[(line + [""] * height)[i] for line in lines] for i in range(height)]


def _line(cells: Sequence[str], widths: Sequence[int], left: Sequence[int]) -> str:
    padded = []
    for i, (cell, width) in enumerate(zip(cells, widths, strict=True)):
        space = " " * (width - cell_len(cell))
        padded.append(cell + space if i in left else space + cell)
    return GAP.join(padded).rstrip()
