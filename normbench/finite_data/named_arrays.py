"""NamedArrays: inputs, targets and groups by their names, whole or in parts named train, validation and test."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from normbench.errors import DataError, SettingError, did_you_mean
from normbench.finite_data.array_files import ArrayFile, rows_of
from normbench.finite_data.data_files import data_path
from normbench.finite_data.file_names import are_parts
from normbench.finite_data.row_kinds import Numbers
from normbench.finite_data.split_rule import NAMES

Array = NDArray[Any]
Readers = Mapping[str, Callable[[], Array]]
"""What reads each array, by its name."""
KEYS = ("x", "y", "group")
"""Names of the arrays that are looked for where the study file names no others."""
PART_WORDS = {"train": ("train",), "validation": ("validation", "val", "valid"), "test": ("test",)}


@dataclass(frozen=True)
class Rows:
    """Arrays of one length by key, and which part each row is of; None where the data do not say."""

    arrays: Mapping[str, Array]
    parts: Numbers | None


def readers_of_files(file: str | Mapping[str, str], folder: Path, keys: Sequence[str]) -> Readers:
    """Return what reads each array of the files that a study file names.

    Args:
        file: A path of an .npz file; such paths by train, validation and test; or paths of .npy files by array.
        folder: The study file's folder.
        keys: Names of the arrays that are looked for.

    Raises:
        DataError: A file cannot be read.
    """
    if isinstance(file, str):
        return _readers(file, folder, "")
    if not are_parts(file):
        return {name: ArrayFile(data_path(path, folder), path).read for name, path in file.items()}
    found: dict[str, Callable[[], Array]] = {}
    for part, path in file.items():
        inside = _readers(path, folder, part)
        found |= {f"{name}_{part}" if name in keys else name: read for name, read in inside.items()}
    return found


def _readers(said: str, folder: Path, part: str) -> Readers:
    file = ArrayFile(data_path(said, folder), said)
    names = file.names()
    if not names:
        key = f"file.{part}" if part else "file"
        rule = "must be an .npz file, a .npy file has one array"
        raise DataError([SettingError(key, rule, said, "Example: file: {x: inputs.npy, y: labels.npy}")])
    return {name: (lambda name=name: file.read(name)) for name in names}  # type: ignore[misc]


def read_rows(readers: Readers, needed: Sequence[str], optional: Sequence[str] = ()) -> Rows:
    """Read arrays by key, joined where they come in parts.

    Args:
        readers: What reads each array.
        needed: Keys without which there are no data.
        optional: Keys that may be missing.

    Raises:
        DataError: A needed one is missing, some parts have it and others not, or lengths differ.
    """
    keys = [*needed, *(key for key in optional if _names(readers, key))]
    by_part = {key: _names(readers, key) for key in keys}
    _refuse_missing(by_part, readers)
    read = {key: {part: readers[name]() for part, name in names.items()} for key, names in by_part.items()}
    _refuse_lengths(read, by_part)
    first = read[keys[0]]
    sizes = {part: rows_of(array) for part, array in first.items()}
    parts = None if "" in sizes else np.repeat([NAMES.index(part) for part in sizes], list(sizes.values()))
    return Rows({key: _joined(key, list(arrays.values())) for key, arrays in read.items()}, parts)


def _names(readers: Readers, key: str) -> dict[str, str]:
    """Return the names of a key's arrays by part; "" is the part of a whole one."""
    if key in readers:
        return {"": key}
    spelled = [
        (part, name)
        for part, words in PART_WORDS.items()
        for word in words
        for name in (f"{key}_{word}", f"{word}_{key}")
    ]
    return {part: name for part, name in spelled if name in readers}


def _refuse_missing(by_part: Mapping[str, Mapping[str, str]], readers: Readers) -> None:
    wrong = []
    for key, names in by_part.items():
        if not names:
            rule = f"must hold an array {key!r}, or {key}_train and {key}_test"
            say = f"Say {key}: and its name." if key in KEYS else "Name one of these."  # a name was said, and is wrong
            way_out = f"{did_you_mean(key, readers)} {say}".strip()
            wrong.append(SettingError("file", rule, ", ".join(readers), way_out))
    parts = {key: set(names) for key, names in by_part.items() if names}
    first = next(iter(parts), "")
    for key, found in parts.items():
        if found != parts[first]:
            had, has = (", ".join(sorted(filter(None, one))) or "whole" for one in (parts[first], found))
            rule = f"must have the same parts as {first!r} ({had})"
            wrong.append(SettingError("file", f"array {key!r} {rule}", has, "Name them alike."))
    if wrong:
        raise DataError(wrong)


def _refuse_lengths(read: Mapping[str, Mapping[str, Array]], names: Mapping[str, Mapping[str, str]]) -> None:
    (first, arrays), *others = read.items()
    wrong = [
        SettingError("file", f"array {names[key][part]} must hold rows", f"the shape {array.shape}", "Save (N, ...).")
        for key, parts in read.items()
        for part, array in parts.items()
        if not rows_of(array)
    ]
    if wrong:
        raise DataError(wrong)
    for part, array in arrays.items():
        for key, other in others:
            if rows_of(other[part]) != rows_of(array):
                rule = f"must have as many rows as {names[first][part]} ({rows_of(array):,})"
                got = rows_of(other[part])
                wrong.append(SettingError("file", f"array {names[key][part]} {rule}", got, "Save them together."))
    if wrong:
        raise DataError(wrong)


def _joined(key: str, arrays: Sequence[Array]) -> Array:
    """Join parts of one shape and type: text and numbers together would all become text."""
    if len(arrays) == 1:
        return arrays[0]
    kinds = dict.fromkeys(f"{array.shape[1:]} {_type_name(array)}" for array in arrays)
    if len(kinds) > 1:
        rule = f"all parts of {key!r} must have rows of one shape and type"
        raise DataError([SettingError("file", rule, " and ".join(kinds), "Save them alike.")])
    return np.concatenate(arrays)


def _type_name(array: Array) -> str:
    return "text" if array.dtype.kind in "SU" else str(array.dtype)
