"""Writes blocks as GitHub markdown, with the interval of every mean."""

from collections.abc import Sequence

from normbench.report.blocks.block import Block, Column, Line, Table
from normbench.report.blocks.value_text import value_text


def blocks_markdown(blocks: Sequence[Block]) -> str:
    """Return blocks as markdown; the first line of the first block is the page's heading."""
    parts = [part for block in blocks for part in _parts(block)]
    return "\n\n".join([f"### {parts[0]}", *parts[1:]] if parts else [])


def _parts(block: Block) -> list[str]:
    headings = [f"**{escaped(part.strip())}**" for part in block.heading.split("\n") if part]
    table = [table_markdown(block.table)] if block.table else []
    return [*headings, *table, *map(_line, block.lines), *([f"![]({block.figure})"] if block.figure else [])]


def _line(line: Line) -> str:
    label = f"**{escaped(line.label)}** " if line.label else ""
    text = f"`{line.text}`" if line.is_command else escaped(line.text.strip())
    remark = f" ({escaped(line.remark)})" if line.remark else ""
    return f"{label}{text}{remark}"


def table_markdown(table: Table) -> str:
    """Return a GitHub table.

    Example:
        >>> from normbench.report.blocks.block import keys
        >>> print(table_markdown(Table([keys("norm", ["none"]), Column("test loss", [0.5])])))
        | norm | test loss |
        | --- | ---: |
        | none | 0.500 |
    """
    rules = ["---" if column.align == "left" else "---:" for column in table.columns]
    rows = [_cells(table.columns, row) for row in table.rows]
    lines = [[escaped(_title(column)) for column in table.columns], rules, *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _title(column: Column) -> str:
    return f"{column.group} {column.title}".strip()


def _cells(columns: Sequence[Column], row: Sequence[object]) -> list[str]:
    return [
        escaped(value_text(value, column.what, with_interval=True)) for column, value in zip(columns, row, strict=True)
    ]


def escaped(text: str) -> str:
    """Return text with markdown's special characters escaped, on one line."""
    for letter in "|*_<":
        text = text.replace(letter, f"\\{letter}")
    return text.replace("\n", " ")
