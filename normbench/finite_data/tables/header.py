"""Checks the first line of a CSV file, which names its columns."""

from collections import Counter
from collections.abc import Iterator, Sequence

from normbench.errors import SettingError
from normbench.finite_data.tables.cells import is_number
from normbench.finite_data.tables.csv_file import MAX_COLUMNS, CsvFile


def header_complaints(file: CsvFile, header: Sequence[str], target: str) -> list[SettingError]:
    """Return what is wrong with the names of the columns: first what makes all others follow.

    Args:
        file: The file.
        header: The cells of its first line.
        target: The name that must be there.
    """
    if len(header) > MAX_COLUMNS:
        rule = f"{file.name} must have at most {MAX_COLUMNS:,} columns"
        return [SettingError(file.key, rule, len(header), "Leave some out, or use dataset: arrays.")]
    if target not in header and file.guessed_delimiter(header) and len(header) == 1:
        guess = file.guessed_delimiter(header)
        rule = f"{file.name}:1: must be what separates columns, the line has one cell"
        return [SettingError("delimiter", rule, file.delimiter, f"It may be {guess!r}: say delimiter: {guess!r}.")]
    if target not in header and header and all(map(is_number, header)):
        rule = f"{file.name}:1: must name the columns, all cells are numbers"
        return [SettingError(file.key, rule, ", ".join(header[:3]), "Put a line of names first.")]
    return list(_of_names(file, header))


def _of_names(file: CsvFile, header: Sequence[str]) -> Iterator[SettingError]:
    unnamed = [number for number, name in enumerate(header, start=1) if not name]
    if unnamed:
        places = ", ".join(map(str, unnamed[:3]))
        rule = f"{file.name}:1: must name all columns, {len(unnamed)} have no name"
        way_out = "Name it; an index of pandas is left out by to_csv(index=False)."
        yield SettingError(file.key, rule, f"column {places}", way_out)
    for name, count in Counter(header).items():
        if count > 1 and name:
            places = " and ".join(str(number) for number, one in enumerate(header, start=1) if one == name)
            rule = f"{file.name}:1: must name each column once, columns {places} have one name"
            yield SettingError(file.key, rule, name, "Rename or remove one.")
