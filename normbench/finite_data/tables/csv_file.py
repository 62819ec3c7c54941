"""CsvFile: reads the header and the rows of a CSV file with their lines, and refuses what is no such file."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import BinaryIO

from normbench.errors import DataError, SettingError
from normbench.finite_data.data_files import open_data
from normbench.finite_data.memory import too_large_text

MAX_COLUMNS = 50_000
BYTES_PER_BYTE = 4
"""Memory that a byte of a file takes at most, about: a cell of two bytes becomes a number of eight."""
_LOOKED_AT = 4096
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_DELIMITERS = ",;\t|"


@dataclass(frozen=True)
class CsvFile:
    """A table in a text file: a line of names, then lines of cells.

    Attributes:
        path: The file.
        key: The setting that names it.
        said: What the setting says.
        delimiter: What separates cells.
    """

    path: Path
    key: str
    said: str
    delimiter: str

    @property
    def name(self) -> str:
        """The file's name, for refusals."""
        return self.path.name

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Yield the line where each row begins, from 1 on, and its cells; lines without any are left out.

        Raises:
            DataError: It cannot be read, is too large, or is no text in UTF-8.
        """
        with open_data(self.path, self.key, self.said) as file:
            self._look(file)
            text = TextIOWrapper(file, encoding="utf-8-sig", newline="")
            reader = csv.reader(text, delimiter=self.delimiter, strict=True)
            line = 1
            try:
                for cells in reader:
                    if cells:
                        yield line, cells
                    line = reader.line_num + 1
            except UnicodeDecodeError:
                raise self._not_utf8() from None
            except csv.Error as error:
                rule = f"{self.name}:{line}: must be a row of cells, it is not: {error}"
                raise self.refusal(rule, self.said, "Close quotes, and double those inside of cells.") from None

    def refusal(self, rule: str, value: object, way_out: str) -> DataError:
        """Return the refusal of something in this file."""
        return DataError([SettingError(self.key, rule, value, way_out)])

    def guessed_delimiter(self, header: Sequence[str]) -> str:
        """Return what may separate the names of a header instead; "" where nothing does."""
        counts = {one: sum(cell.count(one) for cell in header) for one in _DELIMITERS if one != self.delimiter}
        best = max(counts, key=lambda one: counts[one])
        return best if counts[best] else ""

    def _look(self, file: BinaryIO) -> None:
        """Refuse what is too large or no text, before it is read."""
        problem = too_large_text(BYTES_PER_BYTE * self.path.stat().st_size)
        if problem:
            raise self.refusal(f"{self.name} {problem}", self.said, "Use fewer rows or columns.")
        start = file.read(_LOOKED_AT)
        file.seek(0)
        if start.startswith(_UTF16) or b"\0" in start:
            what = "UTF-16" if start.startswith(_UTF16) else "no text"
            raise self.refusal(f"must be text in UTF-8, {self.name} is {what}", self.said, "Save it as CSV UTF-8.")

    def _not_utf8(self) -> DataError:
        with open_data(self.path, self.key, self.said) as file:
            for number, line in enumerate(file, start=1):
                try:
                    line.decode("utf-8")
                except UnicodeDecodeError as error:
                    value = line[error.start : error.start + 1]
                    rule = f"{self.name}:{number}: must be text in UTF-8, byte {error.start + 1} of the line is not"
                    return self.refusal(rule, value, "Save it as CSV UTF-8.")
        return self.refusal(f"must be text in UTF-8, {self.name} ends within a letter", self.said, "Save it again.")
