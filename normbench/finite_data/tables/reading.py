"""Reads the files of a table into columns, chunk by chunk, and tells ragged rows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from normbench.errors import DataError, SettingError
from normbench.finite_data.row_kinds import Numbers
from normbench.finite_data.tables.column import Column, Odd
from normbench.finite_data.tables.csv_file import CsvFile
from normbench.finite_data.tables.header import header_complaints
from normbench.finite_data.tables.roles import Roles, by_place, role_complaints

CELLS_AT_ONCE, FEWEST_AT_ONCE = 2**16, 32
"""Cells, and rows at least: more are slower, as Python looks through all of them for garbage."""
Placed = tuple[str, list[str]]
"""File and line of a row, and its cells."""


@dataclass
class ReadTable:
    """The columns of a table by name, as they were read.

    Attributes:
        columns: All of them; those that are ignored may still tell which rows belong together.
        roles: What they are for; only names that are columns.
        file_of_row: Which of the files each row is from, (N,).
        mistakes: What is wrong with names of columns, and rows that have another number of cells.
    """

    columns: dict[str, Column]
    roles: Roles
    file_of_row: Numbers
    mistakes: list[SettingError]


def read_table(files: Sequence[CsvFile], roles: Roles) -> ReadTable:
    """Read all rows of the files, one file after the other.

    Where the delimiter is wrong, what may be the right one is taken, so that other mistakes are told as well.

    Raises:
        DataError: A file cannot be read, or its columns have no names.
    """
    header, mistakes = _header(files, roles)
    guess = files[0].guessed_delimiter(header) if any(error.key == "delimiter" for error in mistakes) else ""
    if guess:
        files = [replace(file, delimiter=guess) for file in files]
        header, more = _header(files, roles)
        mistakes += more
    if len(mistakes) > bool(guess):
        raise DataError(mistakes)
    mistakes += role_complaints(roles, header, files[0].name)
    roles = roles.known(header)
    numbers, names = by_place(header), roles.names()
    columns = {name: Column(name, numbers[name], name in names, roles.gaps) for name in header}
    ragged = Odd()
    counts = [_read(file, header, columns, ragged) for file in files]
    if not sum(counts):
        raise DataError([*mistakes, *_ragged(files[0], ragged, len(header)), _empty(files[0])])
    mistakes += _ragged(files[0], ragged, len(header))
    return ReadTable(columns, roles, np.repeat(np.arange(len(files)), counts), mistakes)


def _read(file: CsvFile, header: Sequence[str], columns: dict[str, Column], ragged: Odd) -> int:
    """Add the rows of a file to the columns, and return how many there are."""
    count, rows = 0, file.rows()
    next(rows)
    for chunk in _chunks(_placed(file, rows), len(header)):
        whole = [(place, cells) for place, cells in chunk if len(cells) == len(header)]
        odd = [(place, cells) for place, cells in chunk if len(cells) != len(header)]
        told = [f"{len(cells)} cells" for _, cells in odd]
        ragged.add(told, [place for place, _ in odd], set(told))
        _add(whole, header, columns)
        count += len(whole)
    return count


def _header(files: Sequence[CsvFile], roles: Roles) -> tuple[list[str], list[SettingError]]:
    """Return the names of the columns, which are the same in all files, and what is wrong with them."""
    headers = [[name.strip() for name in next(file.rows(), (1, list[str]()))[1]] for file in files]
    first, *others = headers
    wrong = header_complaints(files[0], first, roles.target) if first else [_empty(files[0])]
    for file, header in zip(files[1:], others, strict=True):
        if header != first:
            rule = f"{file.name}:1: must name the columns of {files[0].name} in their order"
            differing = [name for name in first if name not in header] or [name for name in header if name not in first]
            wrong.append(SettingError(file.key, rule, ", ".join(differing[:3] or header[:3]), "Give both all columns."))
    return first, wrong


def _empty(file: CsvFile) -> SettingError:
    rule = f"{file.name} must hold a line of names, then rows"
    return SettingError(file.key, rule, file.said, "There are none.")


def _placed(file: CsvFile, rows: Iterator[tuple[int, list[str]]]) -> Iterator[Placed]:
    return ((f"{file.name}:{line}", cells) for line, cells in rows)


def _chunks(rows: Iterator[Placed], num_columns: int) -> Iterator[list[Placed]]:
    size = max(FEWEST_AT_ONCE, CELLS_AT_ONCE // num_columns)
    while chunk := list(islice(rows, size)):
        yield chunk


def _add(rows: Sequence[Placed], header: Sequence[str], columns: dict[str, Column]) -> None:
    places = [place for place, _ in rows]
    for name, cells in zip(header, zip(*(cells for _, cells in rows), strict=True), strict=False):
        columns[name].add(cells, places)


def _ragged(file: CsvFile, ragged: Odd, num_columns: int) -> Iterator[SettingError]:
    if ragged.count:
        rows = f"{ragged.count:,} rows have" if ragged.count > 1 else "1 row has"
        rule = f"{ragged.first_place}: must have {num_columns} cells as line 1 does, {rows} others"
        way_out = "Cells that hold the delimiter stand in double quotes."
        yield SettingError(file.key, rule, next(iter(ragged.examples)), way_out)
