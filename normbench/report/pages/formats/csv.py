"""CSV: a line per row, numbers unrounded, so that reading it back gives the same numbers."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import is_dataclass
from typing import Any

from normbench.report.blocks.block import Block, Column, Line
from normbench.report.blocks.value_text import value_text
from normbench.report.pages.formats.base import CsvRow, Result


def write(result: Result) -> str:
    """Return the rows as CSV; where the result has none, those of the blocks' tables, and without any the lines."""
    if result.rows:
        return csv_text(result.rows())
    pages = result.pages()
    tables = [row for page in pages for row in _table_rows(page)]
    return csv_text(tables or [{"label": line.label, "text": line.text} for line in _lines(pages)])


def csv_text(rows: Sequence[CsvRow]) -> str:
    """Return rows as CSV, with the columns of all of them."""
    text = io.StringIO()
    columns = list(dict.fromkeys(column for row in rows for column in row))
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    if columns:
        writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _lines(pages: Sequence[Sequence[Block]]) -> list[Line]:
    return [line for page in pages for block in page for line in block.lines]


def _table_rows(blocks: Sequence[Block]) -> Iterator[CsvRow]:
    """Yield the rows of every table, by the titles of its columns, with the heading where there are several."""
    shown = [block for block in blocks if block.table]
    for block in shown:
        assert block.table
        heading = {"table": " ".join(block.heading.split())} if len(shown) > 1 else {}
        titles = [f"{column.group} {column.title}".strip() for column in block.table.columns]
        for values in block.table.rows:
            cells = zip(block.table.columns, values, strict=True)
            yield heading | dict(zip(titles, (_cell(column, value) for column, value in cells), strict=True))


def _cell(column: Column, value: Any) -> Any:
    """Return numbers as they are, shapes and the figures of several seeds as the text of their cell."""
    is_text = isinstance(value, tuple) or is_dataclass(value)
    return value_text(value, column.what, with_interval=True) if is_text else value
