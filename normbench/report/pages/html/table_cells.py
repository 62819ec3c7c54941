"""HtmlTable: a block's table as rows of cells, with what it is sorted by; constant columns are taken out."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from normbench.evidence.comparison.rows import SeedSummary
from normbench.evidence.statistics.paired_effect import Effect
from normbench.report.blocks.block import Column, Table
from normbench.report.blocks.value_text import value_text


@dataclass(frozen=True)
class Cell:
    """One cell of a table.

    Attributes:
        text: What it shows.
        order: The number that its column is sorted by; None where its text decides.
        is_number: Whether it stands at the right.
        is_key: Whether it names the row.
    """

    text: str
    order: float | None
    is_number: bool
    is_key: bool


@dataclass(frozen=True)
class HtmlTable:
    """A table for a page.

    Attributes:
        groups: Titles over neighbouring columns, each with the number of its columns; empty where there are none.
        columns: The columns that are shown, for their titles.
        rows: The cells of each row.
        constants: Title and value of each column that is the same in all rows, which is not shown.
    """

    groups: Sequence[tuple[str, int]]
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    constants: Sequence[tuple[str, str]]


def html_table(table: Table) -> HtmlTable:
    """Return a table for a page, without the columns that are the same in all of several rows; results always stay.

    A column that names the rows as one before it does is left out.
    """
    texts = [[value_text(value, column.what) for value in column.values] for column in table.columns]
    known = [pair for i, pair in enumerate(zip(table.columns, texts, strict=True)) if _is_first(pair, texts[:i])]
    constants = [(_full_title(column), of[0]) for column, of in known if not _varies(column, of)]
    shown = [(column, of) for column, of in known if _varies(column, of)]
    rows = list(zip(*(_cells(column, of) for column, of in shown), strict=True))
    groups = [(title, len(list(members))) for title, members in groupby(column.group for column, _ in shown)]
    has_groups = any(title for title, _ in groups)
    return HtmlTable(groups if has_groups else (), [column for column, _ in shown], rows, constants)


def rows_between(table: Table, first: int, last: int | None = None) -> Table:
    """Return some rows of a table."""
    return Table([_part_of(column, first, last) for column in table.columns])


def _part_of(column: Column, first: int, last: int | None) -> Column:
    options = column.group, column.align, column.is_key, column.may_drop
    return Column(column.title, column.values[first:last], column.what, *options)


def _is_first(named: tuple[Column, list[str]], before: Sequence[list[str]]) -> bool:
    """Return whether a column says something else than each one before it."""
    column, texts = named
    return not column.is_key or texts not in before


def _varies(column: Column, texts: Sequence[str]) -> bool:
    return column.is_key or bool(column.what) or len(texts) < 2 or len(set(texts)) > 1


def _full_title(column: Column) -> str:
    return f"{column.group} {column.title}".strip()


def _cells(column: Column, texts: Sequence[str]) -> list[Cell]:
    is_number = column.align == "right"
    return [
        Cell(text, _order(value), is_number, column.is_key) for text, value in zip(texts, column.values, strict=True)
    ]


def _order(value: object) -> float | None:
    found: float | None = None
    match value:
        case bool():
            pass
        case int() | float():
            found = float(value)
        case SeedSummary():
            found = value.mean
        case Effect():
            found = value.value
    return None if found is None or math.isnan(found) else found
