"""CsvTable: the cells of a CSV file by column, each column of its type: steps, words or numbers."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from io import StringIO

from normbench.errors import RunFolderError

MAX_CELLS = 4_000_000
"""Most cells of a table that is read at once."""
MAX_SHOWN = 60
MAX_DIGITS = 15
"""Of a step."""
UNEVEN = "rows of several lengths"
STEP = "step"

Numbers = Sequence[float | None]
"""The numbers of a column; None where its cell is empty."""


@dataclass(slots=True, eq=False)  # frozen, it took a tenth of the time to read it
class CsvTable:
    """The cells of a CSV file, converted column by column when a column is first asked for.

    A column that the file lacks is empty.

    Attributes:
        place: The file's name for messages.
        cells: Each column's cells as they stand in the file, by its name, in the file's order.
        way_out: What to do about a wrong cell, as a sentence.
    """

    place: str
    cells: Mapping[str, Sequence[str]]
    way_out: str = ""
    _numbers: dict[str, Numbers] = field(default_factory=dict, init=False, repr=False, compare=False)
    _full: dict[str, Sequence[float]] = field(default_factory=dict, init=False, repr=False, compare=False)
    _steps: list[int] = field(default_factory=list, init=False, repr=False, compare=False)

    def __contains__(self, name: str) -> bool:
        return name in self.cells

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(next(iter(self.cells.values()), ()))

    @property
    def columns(self) -> list[str]:
        """Names of the columns, in the file's order."""
        return list(self.cells)

    @property
    def steps(self) -> Sequence[int]:
        """The column step: whole numbers of 0 or more.

        Raises:
            RunFolderError: A cell is something else.
        """
        if not self._steps:
            cells = self.words(STEP)
            if cells and not ("".join(cells).isdecimal() and max(map(len, cells)) <= MAX_DIGITS and all(cells)):
                wrong = next(i for i, cell in enumerate(cells) if not cell.isdecimal() or len(cell) > MAX_DIGITS)
                raise self._refusal(STEP, wrong, "must be a whole number of 0 or more")
            self._steps.extend(map(int, cells))
        return self._steps

    def rows(self) -> list[dict[str, str]]:
        """Return the rows as they stand in the file, by column."""
        return [dict(zip(self.cells, row, strict=True)) for row in zip(*self.cells.values(), strict=True)]

    def words(self, name: str) -> Sequence[str]:
        """Return a column of texts."""
        return self.cells.get(name, ())

    def numbers(self, name: str) -> Numbers:
        """Return a column of numbers, which may be inf or nan; None where a cell is empty.

        Raises:
            RunFolderError: A cell is no number.
        """
        if name not in self._numbers:
            self._numbers[name] = self._read_numbers(name)
        return self._numbers[name]

    def all_numbers(self, name: str) -> Sequence[float]:
        """Return a column of numbers in which no cell may be empty.

        Raises:
            RunFolderError: A cell is no number, or is empty.
        """
        if name not in self._full:
            found = [number for number in self.numbers(name) if number is not None]
            if len(found) < len(self.numbers(name)):
                raise self._refusal(name, self.numbers(name).index(None), "must be a number")
            self._full[name] = found
        return self._full[name]

    def last_number(self, name: str) -> float | None:
        """Return the last number of a column, for which only cells from its end are read; None where it has none.

        Raises:
            RunFolderError: That cell is no number.
        """
        for cell in reversed(self.words(name)):
            if cell:
                try:
                    return float(cell)
                except ValueError:
                    last = max(row for row, one in enumerate(self.words(name)) if one)
                    raise self._refusal(name, last) from None
        return None

    def with_numbers(self, name: str) -> list[tuple[int, float]]:
        """Return (step, number) of each row that has a number in a column."""
        pairs = zip(self.steps, self.numbers(name), strict=False)  # of a column that the file lacks there are none
        return [(step, number) for step, number in pairs if number is not None]

    def _read_numbers(self, name: str) -> Numbers:
        cells = self.words(name)
        try:
            return [float(cell) if cell else None for cell in cells]
        except ValueError:
            raise self._refusal(name, next(i for i, cell in enumerate(cells) if not _is_number(cell))) from None

    def _refusal(self, name: str, row: int, rule: str = "must be a number or empty") -> RunFolderError:
        got = f"{self.cells[name][row]!r:.60}"
        return RunFolderError(f"{self.place}: row {row + 1}, {name}: {rule}, got {got}. {self.way_out}")


def _is_number(cell: str) -> bool:
    try:
        float(cell or "0")
    except ValueError:
        return False
    return True


def parse_table(raw: bytes, place: str, required: Sequence[str], way_out: str) -> CsvTable:
    """Split a CSV file into columns; their cells are converted when they are asked for.

    Args:
        raw: The file's bytes.
        place: The file's name for messages.
        required: Columns that it must have.
        way_out: What to do about a wrong file, as a sentence.

    Raises:
        RunFolderError: It is no table in UTF-8 of these columns, or has too many cells.
    """
    try:
        header, columns = _split(raw)
    except (ValueError, csv.Error) as error:
        raise RunFolderError(f"{place}: must be a table in UTF-8, got: {error}. {way_out}") from None
    lacking = [name for name in required if name not in header]
    if lacking or len(set(header)) < len(header):
        rule = f"must have the columns {', '.join(required)}, and each once"
        raise RunFolderError(f"{place}: {rule}, got {', '.join(header)[:MAX_SHOWN] or 'no header'}. {way_out}")
    return CsvTable(place, dict(zip(header, columns, strict=True)), way_out)


def _split(raw: bytes) -> tuple[list[str], list[Sequence[str]]]:
    """Return the header, and the cells of each column."""
    num_cells = raw.count(b",") + raw.count(b"\n") if len(raw) > MAX_CELLS else 0
    if num_cells > MAX_CELLS:
        raise ValueError(f"{num_cells:,} cells, more than {MAX_CELLS:,}")
    text = raw.decode("utf-8")
    is_plain = '"' not in text and "\r" not in text  # as nearly all are
    return _columns_of_lines(text) if is_plain else _columns_of_rows(_rows_with_quotes(text))


def _columns_of_lines(text: str) -> tuple[list[str], list[Sequence[str]]]:
    """Split text without quotes at once: a table of a run has hundreds of cells, and there may be 50,000 runs."""
    lines = list(filter(None, text.split("\n")))
    if len({line.count(",") for line in lines}) > 1:
        raise ValueError(UNEVEN)
    cells = ",".join(lines).split(",")
    num_columns = lines[0].count(",") + 1 if lines else 0
    return cells[:num_columns], [cells[start::num_columns] for start in range(num_columns, 2 * num_columns)]


def _columns_of_rows(rows: Sequence[Sequence[str]]) -> tuple[list[str], list[Sequence[str]]]:
    header, *rest = rows or [[]]
    if any(len(row) != len(header) for row in rest):
        raise ValueError(UNEVEN)
    return list(header), list(zip(*rest, strict=True)) if rest else [()] * len(header)


def _rows_with_quotes(text: str) -> list[list[str]]:
    return [row for row in csv.reader(StringIO(text, newline=""), strict=True) if row]
