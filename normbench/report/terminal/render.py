"""Prints blocks on a terminal: aligned, wrapped to its width, wide tables split."""

from collections.abc import Callable, Iterable, Sequence
from itertools import chain, pairwise

from rich.cells import cell_len
from rich.console import Console

from normbench.report.blocks.block import Block, Line, Table
from normbench.report.terminal.layout import table_rows
from normbench.report.terminal.rows import Row, Span, print_rows, style_of_verdict
from normbench.report.terminal.wrapping import command_lines, label_width, wrapped
from normbench.storage.files.plain_text import one_line

MAX_LINES = 25
"""Of a plain run, and of a study of a few arms."""
FEWEST_LAYERS = (None, 8, 7, 6, 5, 4, 3, 2, 1)
"""How many rows a table of layers may take, tried in turn."""


def print_blocks(console: Console, blocks: Sequence[Block]) -> None:
    """Print blocks, with an empty line between those that are not joined."""
    print_rows(console, blocks_rows(blocks, console.width))


def fit_blocks(build: Callable[[int | None], list[Block]], width: int, max_lines: int = MAX_LINES) -> list[Block]:
    """Return the blocks with as many rows of layers as fit into ``max_lines``.

    Args:
        build: Makes the blocks with at most this many rows of layers; None for all.
        width: Width of the terminal.
        max_lines: Most lines in all.
    """
    for max_layers in FEWEST_LAYERS:
        blocks = build(max_layers)
        if len(blocks_rows(blocks, width)) <= max_lines:
            break
    return blocks


def first_that_fits(*choices: Iterable[list[Block]], width: int) -> list[Block]:
    """Return the first of several ways to show the same that takes no more than a screen; the last where none does."""
    for blocks in chain.from_iterable(choices):
        if len(blocks_rows(blocks, width)) <= MAX_LINES:
            break
    return blocks


def blocks_rows(blocks: Sequence[Block], width: int) -> list[Row]:
    """Return the printed lines of blocks."""
    with_rows = [(block, rows) for block in blocks if (rows := _block_rows(block, width))]
    rows = list(with_rows[0][1]) if with_rows else []
    for _, (block, following) in pairwise(with_rows):
        rows += ([] if block.is_joined else [("", ())]) + following
    return rows


def _block_rows(block: Block, width: int) -> list[Row]:
    rows: list[Row] = [
        (line, ()) for part in block.heading.split("\n") if part for line in wrapped(one_line(part), width)
    ]
    rows += table_rows(block.table, width) if block.table else []
    return rows + _text_rows(block, width) + _figure_rows(block)


def _figure_rows(block: Block) -> list[Row]:
    return [(f"picture  {one_line(block.figure)}", ())] if block.figure else []


def _text_rows(block: Block, width: int) -> list[Row]:
    behind = max(block.label_width, label_width(block.lines))
    rows: list[Row] = []
    for line in block.lines:
        start = " " * block.indent + (f"{one_line(line.label):<{behind}}" if behind else "")
        room = width - cell_len(start)
        texts = command_lines(line, room) if line.is_command else _paragraph(line.text, room)
        first, *others = [
            f"{start if i == 0 else ' ' * cell_len(start)}{text}".rstrip() for i, text in enumerate(texts)
        ]
        rows += [(first, _verdict_spans(line, first)), *((text, ()) for text in others)]
    return rows


def _verdict_spans(line: Line, text: str) -> list[Span]:
    """Return where a line's verdict stands in its label."""
    start = text.find(line.verdict.upper()) if line.verdict else -1
    style = style_of_verdict(line.verdict)
    return [(start, start + len(line.verdict), style)] if start >= 0 and style else []


def _paragraph(text: str, width: int) -> list[str]:
    return [line for part in text.split("\n") for line in wrapped(one_line(part), width)]


def table_text(table: Table, width: int) -> str:
    """Return a table as text.

    Example:
        >>> from normbench.report.blocks.block import Column, keys
        >>> print(table_text(Table([keys("norm", ["none", "batch_norm"]), Column("loss", [0.5, 0.125])]), 80))
        norm         loss
        none        0.500
        batch_norm  0.125
    """
    return "\n".join(text for text, _ in table_rows(table, width))
