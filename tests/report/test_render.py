"""Blocks on a terminal and in markdown: aligned, wrapped, a wide table in several parts, no figure cut."""

import shlex
import subprocess
from io import StringIO

import pytest

from normbench.report.blocks.block import Block, Column, Line, Table, keys, words
from normbench.report.pages.markdown import blocks_markdown, escaped, table_markdown
from normbench.report.terminal.console import make_console
from normbench.report.terminal.render import blocks_rows, fit_blocks, print_blocks, table_text

TABLE = Table([keys("norm", ["none", "batch_norm"]), Column("train loss", [0.5, 0.125]), words("says", ["well", "表"])])
WIDE = Table([keys("norm", ["none", "batch_norm"]), *(Column(f"metric {i}", [i + 0.123, 1e4]) for i in range(20))])


def test_a_table_is_aligned_and_its_long_titles_broken_where_there_is_no_room():
    assert (
        table_text(TABLE, 80)
        == "norm        train loss  says\nnone             0.500  well\nbatch_norm       0.125  表"
    )
    assert table_text(TABLE, 26).splitlines()[:2] == ["            train", "norm         loss  says"]


def test_printed_text_is_what_the_rows_say():
    console = make_console(width=40)
    console.file = StringIO()
    blocks = [Block("a heading", TABLE, [Line("text", "label")]), Block(lines=[Line("more")])]
    print_blocks(console, blocks)
    assert console.file.getvalue() == "".join(f"{line}\n" for line, _ in blocks_rows(blocks, 40))


@pytest.mark.parametrize("width", [24, 33, 80, 250])
def test_a_wide_table_is_told_in_parts_with_its_names_and_every_figure_whole(width):
    told = table_text(WIDE, width)
    assert max(map(len, told.splitlines())) <= width
    cells = told.split()
    assert [cell for cell in cells if cell.endswith(".1") or "." in cell] == [f"{i + 0.123:#.3g}" for i in range(20)]
    assert cells.count("10,000") == 20
    assert cells.count("norm") == cells.count("batch_norm") >= 1


def test_a_long_name_is_folded_behind_its_commas():
    name = "norm=batch_norm,optimizer.lr=0.001,weight_decay=0.0005"
    told = table_text(Table([keys("arm", [name]), Column("loss", [0.125])]), 30)
    assert max(map(len, told.splitlines())) <= 30
    assert "".join(line[:22].strip() for line in told.splitlines()[1:]) == name


def test_a_column_that_may_be_dropped_goes_before_a_table_is_told_in_parts():
    table = Table([keys("layer", ["fc1"]), words("shape", [(84, 120)], may_drop=True), Column("weight", [0.5])])
    assert table_text(table, 80) == "layer  shape   weight\nfc1    84x120   0.500"
    assert table_text(table, 15) == "layer  weight\nfc1     0.500"


def test_groups_stand_over_their_columns():
    spans = [Column(time, [0.25], group=group) for group in ("weight", "gradient") for time in ("start", "end")]
    assert table_text(Table([keys("", ["fc1"], group="std per layer"), *spans]), 80).splitlines() == [
        "std per layer     weight         gradient",
        "               start    end    start    end",
        "fc1            0.250  0.250    0.250  0.250",
    ]


@pytest.mark.parametrize("width", [30, 50, 80])
def test_a_command_can_be_copied_whatever_the_width(width):
    words_ = [
        "normbench",
        "run",
        "a b.yaml",
        "--set",
        "norm={name: group_norm}",
        "--vary",
        "dropout=0,0.5",
        "--seeds",
        "8",
    ]
    rows = blocks_rows([Block(lines=[Line(shlex.join(words_), "next", is_command=True)])], width)
    said = "\n".join(line for line, _ in rows).removeprefix("next")
    script = said.replace("normbench", "printf '%s\n' normbench", 1)
    assert (
        subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout.splitlines() == words_
    )
    assert all(line.endswith("\\") for line, _ in rows[:-1])


def test_long_facts_are_broken_between_facts():
    rows = blocks_rows([Block(lines=[Line("  batch_size 16 · sgd lr 0.01, momentum 0.9 · dropout 0")])], 42)
    assert [line for line, _ in rows] == ["  batch_size 16 ·", "  sgd lr 0.01, momentum 0.9 · dropout 0"]


def test_what_steers_a_terminal_is_shown_as_text():
    rows = blocks_rows([Block("\x1b[31m", Table([keys("a\nb", ["\x1b]0;"])]), [Line("\x07", "l")])], 80)
    assert not any(letter in line for line, _ in rows for letter in "\x1b\x07\n")


def test_as_many_layers_are_shown_as_there_is_room_for():
    def build(max_layers):
        return [Block(lines=[Line(str(i)) for i in range(max_layers or 40)])]

    assert [len(blocks_rows(fit_blocks(build, 80, room), 80)) for room in (50, 8, 6, 1)] == [40, 8, 6, 1]


def test_markdown_is_a_github_table_in_which_nothing_is_lost():
    table = Table([keys("a|b", ["<1>"], group="x"), Column("y", ["2*3"])])
    assert table_markdown(table).splitlines() == [r"| x a\|b | y |", "| --- | ---: |", r"| \<1> | 2\*3 |"]
    assert escaped("norm_a\nb") == r"norm\_a b"


def test_markdown_has_headings_labels_commands_and_pictures():
    block = Block("std", lines=[Line("fine"), Line("normbench list", "next", is_command=True)], figure="a.svg")
    assert blocks_markdown([block]) == "### **std**\n\nfine\n\n**next** `normbench list`\n\n![](a.svg)"
