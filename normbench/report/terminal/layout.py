"""Lays out a table within a width: too wide ones go on in a second table below, and no word or number is broken."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from rich.cells import cell_len

from normbench.report.blocks.block import Align, Column, Table
from normbench.report.blocks.value_text import value_text
from normbench.report.terminal.rows import Row, Span, header, style_of_verdict
from normbench.report.terminal.wrapping import cell_lines, longest_piece
from normbench.storage.files.plain_text import one_line

GAP, GROUP_GAP = 2, 4
WIDE_TITLE = 9
INDENT = 2
"""Before the cells of a column that has a line of its own."""
VERDICTS = ("verdict", "verdict_word", "new_verdict")
"""What columns of verdicts show of an effect."""


@dataclass(frozen=True, eq=False)
class _TextColumn:
    """A column as text; its title has as many lines as the table's header. Two with the same text stay two."""

    title: tuple[str, ...]
    cells: tuple[str, ...]
    group: str
    align: Align
    is_key: bool
    may_drop: bool
    is_verdict: bool = False
    at_least: int = 0
    """What its group's title takes of it."""

    @property
    def width(self) -> int:
        """Its width where no cell is broken."""
        return max(self.at_least, *map(cell_len, (*self.title, *self.cells)))

    @property
    def least(self) -> int:
        """Its width where words are broken at their joints; numbers have none."""
        if self.align == "right":
            return self.width
        return max(self.at_least, *map(longest_piece, (*self.title, *self.cells)))


Columns = Sequence[_TextColumn]


def table_rows(table: Table, width: int) -> list[Row]:
    """Return the lines of a table, the header first."""
    columns = [_text_column(column) for column in table.columns]
    return [row for part in _parts(columns, width) for row in _part_rows(part, width)]


def _text_column(column: Column) -> _TextColumn:
    cells = tuple(one_line(value_text(value, column.what)) for value in column.values)
    title, group = one_line(column.title), one_line(column.group)
    is_verdict = column.what in VERDICTS
    return _TextColumn((title,), cells, group, column.align, column.is_key, column.may_drop, is_verdict)


def _parts(columns: list[_TextColumn], width: int) -> list[list[_TextColumn]]:
    """Split the columns into as many tables as the width needs, each with the columns that name the rows."""
    if _total(columns) > width:
        columns = _with_wrapped_titles(columns)
    while _total(columns) > width and any(column.may_drop for column in columns):
        last = max(i for i, column in enumerate(columns) if column.may_drop)
        columns = columns[:last] + columns[last + 1 :]
    if _total(columns) <= width:
        return [columns]
    names = _names(columns, width)
    parts = [list(names)]
    for column in (column for column in columns if column not in names):
        if _total([*parts[-1], column]) > width and len(parts[-1]) > len(names):
            parts.append(list(names))
        parts[-1].append(column)
    return parts


def _names(columns: Columns, width: int) -> list[_TextColumn]:
    """Return the columns to repeat: all that name the rows; the first where there is no room beside them."""
    named = [column for column in columns if column.is_key] or list(columns[:1])
    others = [column for column in columns if column not in named]
    fit = all(_total([*named, column], is_least=True) <= width for column in others)
    return named if fit else named[:1]


def _with_wrapped_titles(columns: list[_TextColumn]) -> list[_TextColumn]:
    """Break long titles into two lines, unless there are group titles."""
    stacked = [_wrapped_title(column.title[0]) for column in columns]
    if any(column.group for column in columns) or not any(upper for upper, _ in stacked):
        return columns
    return [replace(column, title=title) for column, title in zip(columns, stacked, strict=True)]


def _widened_for_groups(columns: Columns) -> list[_TextColumn]:
    """Widen the last column of each group so that the group's title fits."""
    made: list[_TextColumn] = []
    for group, found in groupby(columns, key=lambda column: column.group):
        members = list(found)
        lacking = cell_len(group) - _sum([column.width for column in members], members)
        last = replace(members[-1], at_least=members[-1].width + max(0, lacking)) if lacking > 0 else members[-1]
        made += [*members[:-1], last]
    return made


def _wrapped_title(title: str) -> tuple[str, str]:
    """Break a long title at the space nearest to its middle; short ones are in the lower line."""
    spaces = [i for i, letter in enumerate(title) if letter == " "]
    if len(title) <= WIDE_TITLE or not spaces:
        return "", title
    middle = min(spaces, key=lambda i: abs(i - len(title) / 2))
    return title[:middle], title[middle + 1 :]


def _gaps(columns: Columns) -> list[int]:
    """Return the number of spaces before each column, more between groups."""
    gaps = [0] * len(columns)
    for i in range(1, len(columns)):
        is_new = columns[i].group != columns[i - 1].group and columns[i].group and columns[i - 1].align == "right"
        gaps[i] = GROUP_GAP if is_new else GAP
    return gaps


def _total(columns: Columns, *, is_least: bool = False) -> int:
    widened = _widened_for_groups(columns)
    return _sum([column.least if is_least else column.width for column in widened], columns)


def _sum(widths: Sequence[int], columns: Columns) -> int:
    return sum(widths) + sum(_gaps(columns))


def _part_rows(columns: Columns, width: int) -> list[Row]:
    columns = _widened_for_groups(columns)
    if len(columns) > 1 and _total(columns, is_least=True) > width:
        return _stacked_rows(columns, width)
    widths, gaps = _widths(columns, width), _gaps(columns)
    titles = [
        [line for part in column.title for line in cell_lines(part, wide)]
        for column, wide in zip(columns, widths, strict=True)
    ]
    groups = [_group_line(columns, widths, gaps)] if any(column.group for column in columns) else []
    head = [*groups, *(text for text, _ in _lines(titles, columns, widths, gaps, at_bottom=True))]
    rows = [header(text) for text in head if text.strip()]
    for cells in zip(*(column.cells for column in columns), strict=True):
        folded = [cell_lines(cell, wide) for cell, wide in zip(cells, widths, strict=True)]
        rows += _lines(folded, columns, widths, gaps, list(map(_verdict, columns, cells)))
    return rows


def _stacked_rows(columns: Columns, width: int) -> list[Row]:
    """Return columns that do not fit side by side one below the other, each cell in lines of its own."""
    titles = [f"{column.group} {' '.join(column.title).strip()}".strip() for column in columns]
    rows = [header(line) for i, title in enumerate(titles) for line in _indented(title, i, width)]
    for cells in zip(*(column.cells for column in columns), strict=True):
        rows += [(line, ()) for i, cell in enumerate(cells) for line in _indented(cell, i, width)]
    return rows


def _indented(text: str, place: int, width: int) -> list[str]:
    """Return the lines of a cell, those behind the first column with an indent where there is room for it."""
    indent = INDENT if place and longest_piece(text) + INDENT <= width else 0
    return [" " * indent + line for line in cell_lines(text, width - indent)]


def _widths(columns: Columns, width: int) -> list[int]:
    """Return each column's width; where the table is too wide, columns of words are narrowed, the widest first."""
    widths = [column.width for column in columns]
    while _sum(widths, columns) > width:
        room = [(wide, i) for i, wide in enumerate(widths) if wide > max(1, columns[i].least)]
        if not room:
            break
        widths[max(room)[1]] -= 1
    return widths


def _verdict(column: _TextColumn, cell: str) -> str:
    return style_of_verdict(cell) if column.is_verdict else ""


def _lines(
    folded: Sequence[Sequence[str]],
    columns: Columns,
    widths: Sequence[int],
    gaps: Sequence[int],
    styles: Sequence[str] = (),
    *,
    at_bottom: bool = False,
) -> list[Row]:
    """Return the printed lines of cells that have one line or more each."""
    height = max(map(len, folded))
    empty = [[""] * (height - len(lines)) for lines in folded]
    filled = [[*none, *lines] if at_bottom else [*lines, *none] for lines, none in zip(folded, empty, strict=True)]
    return [_line([lines[i] for lines in filled], columns, widths, gaps, styles) for i in range(height)]


def _line(
    cells: Sequence[str], columns: Columns, widths: Sequence[int], gaps: Sequence[int], styles: Sequence[str]
) -> Row:
    line, spans = "", list[Span]()
    for i, cell in enumerate(cells):
        space = " " * (widths[i] - cell_len(cell))
        line += " " * gaps[i] + ("" if columns[i].align == "left" else space)
        spans += [(len(line), len(line) + len(cell), styles[i])] if styles and styles[i] and cell else []
        line += cell + (space if columns[i].align == "left" else "")
    return line.rstrip(), tuple(spans)


def _group_line(columns: Columns, widths: Sequence[int], gaps: Sequence[int]) -> str:
    """Return the line of group titles: left-aligned over words, centred over numbers."""
    line = ""
    for group, members in groupby(enumerate(columns), key=lambda pair: pair[1].group):
        places = [i for i, _ in members]
        span = sum(widths[i] + gaps[i] for i in places) - gaps[places[0]]
        letters = span - cell_len(group) + len(group)
        is_words = columns[places[0]].align == "left"
        line += " " * gaps[places[0]] + (group.ljust(letters) if is_words else group.center(letters))
    return line.rstrip()
