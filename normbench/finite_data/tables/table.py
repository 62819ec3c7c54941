"""Makes rows of the columns of a table: features, targets, groups and parts; tells all mistakes at once."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from normbench.errors import DataError, SettingError
from normbench.finite_data.all_mistakes import all_mistakes
from normbench.finite_data.named_arrays import PART_WORDS
from normbench.finite_data.row_kinds import Numbers, RowKinds
from normbench.finite_data.split_rule import NAMES
from normbench.finite_data.tables.column import MISSING_CODE, Column
from normbench.finite_data.tables.column_complaints import column_complaints
from normbench.finite_data.tables.csv_file import CsvFile
from normbench.finite_data.tables.reading import ReadTable, read_table
from normbench.finite_data.tables.roles import Roles
from normbench.finite_data.tables.table_findings import constant_findings, gap_findings, group_findings
from normbench.finite_data.tables.table_rows import TableRows
from normbench.finite_data.targets import Targets, TargetTask, class_targets, number_targets, task_of

MAX_TOLD = 10
"""Mistakes of one table that are told one by one."""
OWN_NAME = "(missing)"


def table_rows(
    files: Sequence[CsvFile],
    parts: Sequence[str],
    roles: Roles,
    task: TargetTask | None,
    *,
    standardize: bool,
    standardize_target: bool,
) -> TableRows:
    """Read the files of a table.

    Args:
        files: One file, or those of the parts.
        parts: Which part each file is; empty for one file.
        roles: What the columns are for.
        task: What the target is; None where it is to be seen.
        standardize: Whether training rows bring the numbers to mean 0 and std 1.
        standardize_target: The same for the target of regression.

    Raises:
        DataError: What is wrong with the files, every mistake of them, the first ones one by one.
    """
    read = read_table(files, roles)
    _refuse(read, files[0].key)
    kept = _kept_rows(read)
    if not len(kept):
        raise DataError([SettingError(files[0].key, f"{files[0].name} must hold rows", 0, "All are left out.")])
    with all_mistakes() as step:
        with step():
            targets = _targets(read.columns[read.roles.target], kept, task)
        with step():
            part_of_row = _parts(read, parts)
    groups = read.columns[read.roles.group].codes()[0] if read.roles.group else None
    kinds = RowKinds(
        len(kept),
        targets.classes,
        None if groups is None else groups[kept],
        None if part_of_row is None else part_of_row[kept],
    )
    return _rows(read, kept, kinds, targets, standardize=standardize, standardize_target=standardize_target)


def _refuse(read: ReadTable, file: str) -> None:
    """Refuse a table with mistakes; of many, the first are told and the others counted."""
    found = [*read.mistakes]
    for name in read.roles.needed(list(read.columns)):
        found += column_complaints(read.columns[name], read.roles, file)
    if len(found) > MAX_TOLD:
        more = SettingError(file, "must have no more mistakes", f"{len(found) - MAX_TOLD:,} more", "Mend these first.")
        found = [*found[:MAX_TOLD], more]
    if found:
        raise DataError(found)


def _kept_rows(read: ReadTable) -> Numbers:
    """Return the rows that are not left out for a missing value."""
    is_kept = np.ones(len(read.file_of_row), dtype=bool)
    if read.roles.missing and read.roles.missing.fill == "drop_row":
        for name in read.roles.needed(list(read.columns)):
            if read.columns[name].gaps.count:
                is_kept &= ~_is_gap(read.columns[name])
    return np.flatnonzero(is_kept)


def _is_gap(column: Column) -> NDArray[np.bool_]:
    return column.codes()[0] == MISSING_CODE if column.is_text else np.isnan(column.values())


def _targets(column: Column, kept: Numbers, task: TargetTask | None) -> Targets:
    if column.is_text:
        codes, names = column.codes()
        task_of(task, len(names), is_text=not column.is_category)
        return class_targets(np.array(names)[codes[kept]])
    values = column.values()[kept]
    if task_of(task, len(np.unique(values)), is_text=False) == "classification":
        return class_targets([f"{value:g}" for value in values])
    return number_targets(values, f"column {column.name!r}")


def _parts(read: ReadTable, parts: Sequence[str]) -> Numbers | None:
    """Return the part of each row, by its file or by what a column says."""
    name = read.roles.split_column
    if name is None:
        return np.array([NAMES.index(part) for part in parts])[read.file_of_row] if parts else None
    codes, words = read.columns[name].codes()
    number = {word: place for place, part in enumerate(NAMES) for word in PART_WORDS[part]}
    unknown = [word for word in words if word not in number]
    if unknown or parts:
        rule = "must hold train, validation or test in each row" if unknown else "must not stand beside files of parts"
        raise SettingError("split_column", f"column {name!r} {rule}", ", ".join(unknown[:3]) or name, "Rename them.")
    return np.array([number[word] for word in words])[codes]


def _rows(
    read: ReadTable, kept: Numbers, kinds: RowKinds, targets: Targets, *, standardize: bool, standardize_target: bool
) -> TableRows:
    features = [read.columns[name] for name in read.roles.features(list(read.columns))]
    numbers = {column.name: column.values()[kept] for column in features if not column.is_text}
    coded = {column.name: _coded(column, kept) for column in features if column.is_text}
    fill = read.roles.missing.fill if read.roles.missing else None
    needed = [read.columns[name] for name in read.roles.needed(list(read.columns))]
    gaps = {column.name: column.gaps.count for column in needed if column.gaps.count}
    named: dict[str, NDArray[Any]] = {name: codes for name, (codes, _) in coded.items()}
    ignored = {name: read.columns[name].codes()[0][kept] for name in read.roles.ignore}
    whole = {name: values for name, values in numbers.items() if not (values % 1).any()}
    found = (
        *gap_findings(gaps, fill or "", len(read.file_of_row) - len(kept)),
        *constant_findings({**numbers, **named}),
        *group_findings({**whole, **named, **ignored}, targets, kinds),
    )
    return TableRows(
        kinds,
        targets.class_names,
        found,
        number_names=tuple(numbers),
        numbers=_side_by_side(list(numbers.values()), len(kept)).astype(np.float64, copy=False),
        category_names=tuple(coded),
        codes=_side_by_side(list(named.values()), len(kept)).astype(np.int64, copy=False),
        levels=tuple(names for _, names in coded.values()),
        targets=targets,
        fill=fill,
        standardize=standardize,
        standardize_target=standardize_target,
    )


def _coded(column: Column, kept: Numbers) -> tuple[Numbers, tuple[str, ...]]:
    """Return a column's names as numbers, only those of rows; a missing one is a name of its own, the last."""
    codes, names = column.codes()
    codes = np.where(codes == MISSING_CODE, len(names), codes)[kept]
    present, found = np.unique(codes, return_inverse=True)
    return found.astype(np.int64), tuple((*names, OWN_NAME)[code] for code in present)


def _side_by_side(columns: Sequence[NDArray[Any]], num_rows: int) -> NDArray[Any]:
    return np.stack(columns, axis=1) if columns else np.empty((num_rows, 0))
