"""Lays out a table within a width: aligned columns, dropped or split where it is too wide, no number cut."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from rich.cells import cell_len

from normbench.report.blocks.block import Align, Column, Table
from normbench.report.blocks.value_text import value_text
from normbench.report.terminal.rows import Row
from normbench.report.terminal.wrapping import cell_lines
from normbench.storage.files.plain_text import one_line

GAP, GROUP_GAP = 2, 4
WIDE_TITLE = 9


@dataclass(frozen=True)
class _TextColumn:
    """A column as text; its title has as many lines as the table's header."""

    title: tuple[str, ...]
    cells: tuple[str, ...]
    group: str
    align: Align
    is_key: bool
    may_drop: bool
    least: int = 0
    """What its group's title takes of it."""

    @property
    def width(self) -> int:
        return max(self.least, *map(cell_len, (*self.title, *self.cells)))


def table_rows(table: Table, width: int) -> list[Row]:
    """Return the lines of a table, the header first."""
    columns = [_text_column(column) for column in table.columns]
    return [row for part in _parts(columns, width) for row in _part_rows(part, width)]


def _text_column(column: Column) -> _TextColumn:
    cells = tuple(one_line(value_text(value, column.what)) for value in column.values)
    title = one_line(column.title)
    return _TextColumn((title,), cells, one_line(column.group), column.align, column.is_key, column.may_drop)


def _parts(columns: list[_TextColumn], width: int) -> list[list[_TextColumn]]:
    """Split the columns into as many tables as the width needs, each with the columns that name the rows."""
    if _total(columns) > width or any(column.group for column in columns):
        columns = _with_wrapped_titles(columns)
    while _total(columns) > width and any(column.may_drop for column in columns):
        last = max(i for i, column in enumerate(columns) if column.may_drop)
        columns = columns[:last] + columns[last + 1 :]
    if _total(columns) <= width:
        return [columns]
    keys = [column for column in columns if column.is_key]
    parts = [list(keys)]
    for column in (column for column in columns if not column.is_key):
        if _total([*parts[-1], column]) > width and len(parts[-1]) > len(keys):
            parts.append(list(keys))
        parts[-1].append(column)
    return parts


def _with_wrapped_titles(columns: list[_TextColumn]) -> list[_TextColumn]:
    """Break long titles into two lines, unless there are group titles."""
    if any(column.group for column in columns):
        return _widened_for_groups(columns)
    stacked = [_wrapped_title(column.title[0]) for column in columns]
    if not any(upper for upper, _ in stacked):
        return columns
    return [replace(column, title=title) for column, title in zip(columns, stacked, strict=True)]


def _widened_for_groups(columns: list[_TextColumn]) -> list[_TextColumn]:
    """Widen the last column of each group so that the group's title fits."""
    made: list[_TextColumn] = []
    for group, found in groupby(columns, key=lambda column: column.group):
        members = list(found)
        lacking = cell_len(group) - _total(members)
        last = replace(members[-1], least=members[-1].width + max(0, lacking))
        made += [*members[:-1], last]
    return made


def _wrapped_title(title: str) -> tuple[str, str]:
    """Break a long title at the space nearest to its middle; short ones are in the lower line."""
    spaces = [i for i, letter in enumerate(title) if letter == " "]
    if len(title) <= WIDE_TITLE or not spaces:
        return "", title
    middle = min(spaces, key=lambda i: abs(i - len(title) / 2))
    return title[:middle], title[middle + 1 :]


def _gaps(columns: Sequence[_TextColumn]) -> list[int]:
    """Return the number of spaces before each column, more between groups."""
    gaps = [0] * len(columns)
    for i in range(1, len(columns)):
        is_new = columns[i].group != columns[i - 1].group and columns[i].group and columns[i - 1].align == "right"
        gaps[i] = GROUP_GAP if is_new else GAP
    return gaps


def _total(columns: Sequence[_TextColumn]) -> int:
    return sum(column.width for column in columns) + sum(_gaps(columns))


def _part_rows(columns: list[_TextColumn], width: int) -> list[Row]:
    widths = _widths(columns, width)
    gaps = _gaps(columns)
    header = [_line([column.title[i] for column in columns], columns, widths, gaps) for i in range(_height(columns))]
    groups = [_group_line(columns, widths, gaps)] if any(column.group for column in columns) else []
    rows = [(line, True) for line in (*groups, *header) if line.strip()]
    for cells in zip(*(column.cells for column in columns), strict=True):
        rows += [(line, False) for line in _cell_rows(cells, columns, widths, gaps)]
    return rows


def _height(columns: Sequence[_TextColumn]) -> int:
    return max((len(column.title) for column in columns), default=0)


def _widths(columns: Sequence[_TextColumn], width: int) -> list[int]:
    """Return each column's width; where the table is too wide, columns of words are narrowed, numbers never."""
    widths = [column.width for column in columns]
    for words in ([c.is_key for c in columns], [c.align == "left" for c in columns]):
        excess = sum(widths) + sum(_gaps(columns)) - width
        shrinking = [i for i, is_words in enumerate(words) if is_words]
        while excess > 0 and shrinking:
            widest = max(shrinking, key=lambda i: widths[i])
            taken = min(excess, widths[widest] - 12)
            if taken <= 0:
                break
            step = max(1, taken // len(shrinking))
            widths[widest] -= step
            excess -= step
    return widths


def _cell_rows(
    cells: Sequence[str], columns: Sequence[_TextColumn], widths: Sequence[int], gaps: Sequence[int]
) -> list[str]:
    if all(cell_len(cell) <= width for cell, width in zip(cells, widths, strict=True)):
        return [_line(cells, columns, widths, gaps)]
    folded = [
        cell_lines(cell, width) if column.align == "left" else [cell]
        for cell, column, width in zip(cells, columns, widths, strict=True)
    ]
    height = max(map(len, folded))
    return [_line([(lines + [""] * height)[i] for lines in folded], columns, widths, gaps) for i in range(height)]


def _line(cells: Sequence[str], columns: Sequence[_TextColumn], widths: Sequence[int], gaps: Sequence[int]) -> str:
    padded = []
    for cell, column, width, gap in zip(cells, columns, widths, gaps, strict=True):
        space = " " * (width - cell_len(cell))
        padded.append(" " * gap + (cell + space if column.align == "left" else space + cell))
    return "".join(padded).rstrip()


def _group_line(columns: Sequence[_TextColumn], widths: Sequence[int], gaps: Sequence[int]) -> str:
    """Return the line of group titles: left-aligned over words, centred over numbers."""
    line = ""
    for group, members in groupby(enumerate(columns), key=lambda pair: pair[1].group):
        places = [i for i, _ in members]
        span = sum(widths[i] + gaps[i] for i in places) - gaps[places[0]]
        line += " " * gaps[places[0]] + (
            group.ljust(span) if columns[places[0]].align == "left" else group.center(span)
        )
    return line.rstrip()
