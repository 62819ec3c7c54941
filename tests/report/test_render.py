"""Tables on a terminal: aligned where they fit, folded where they do not, and quick for a thousand rows."""

from io import StringIO

import pytest

from normbench.report.blocks.grids import Grid, print_grid
from normbench.report.blocks.tables import make_console
from normbench.report.pages.markdown import escaped, grid_markdown

GRID = Grid(["\nnorm", "test\nloss", "\nsays"], [["none", "0.5", "well"], ["batch_norm", "0.125", "表"]], (0, 2))


@pytest.mark.parametrize(
    ("width", "text"),
    [
        (80, "             test\nnorm         loss  says\nnone          0.5  well\nbatch_norm  0.125  表\n"),
        (25, "             test\nnorm         loss  says\nnone          0.5  well\nbatch_norm  0.125  表\n"),
    ],
)
def test_a_grid_is_aligned(width, text):
    console = make_console(width=width)
    console.file = StringIO()
    print_grid(console, GRID)
    assert console.file.getvalue() == text


def test_a_wide_grid_is_folded_and_loses_nothing():
    console = make_console(width=18)
    console.file = StringIO()
    print_grid(console, GRID)
    lines = console.file.getvalue().splitlines()
    assert max(map(len, lines)) <= 18
    assert "batch_norm" in "".join(line.split("  ")[0].strip() for line in lines)


def test_markdown_is_a_github_table_in_which_nothing_is_lost():
    assert grid_markdown(Grid(["a|b", "x\ny"], [["<1>", "2*3"]], (0,))).splitlines() == [
        r"| a\|b | x y |",
        "| --- | ---: |",
        r"| \<1> | 2\*3 |",
    ]
    assert escaped("norm_a\nb") == r"norm\_a b"
