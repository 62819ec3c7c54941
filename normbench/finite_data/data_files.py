"""Finds and opens the user's data files: from the study file's folder, regular files only, told in one line."""

import os
from pathlib import Path
from typing import BinaryIO

from normbench.errors import DataError, SettingError
from normbench.storage.files.reading import open_regular

Stamp = tuple[tuple[str, int, int, int], ...]
"""Path, size, time of the last change and number of each file; another stamp means that files are read anew."""


def data_path(text: str, folder: Path) -> Path:
    """Return the path that a study file names: absolute, or from that file's folder; ~ is the home folder."""
    return folder / Path(text).expanduser()


def open_data(path: Path, key: str, said: str) -> BinaryIO:
    """Open a file of the user's for reading.

    Args:
        path: The file.
        key: The setting that names it.
        said: What the setting says.

    Raises:
        DataError: There is no such file, or it is a folder, a pipe, a device, or must not be read.
    """
    try:
        return open_regular(path)
    except OSError as error:
        raise unreadable(error, path, key, said) from None


def unreadable(error: OSError, path: Path, key: str, said: str) -> DataError:
    """Return the refusal of a file that the system does not let us read."""
    problem = (error.strerror or str(error)).lower()
    rule = f"must be a file that can be read, {path} is not: {problem}"
    return DataError([SettingError(key, rule, said, "Paths are taken from the study file's folder.")])


def stamp_of(paths: tuple[Path, ...]) -> Stamp:
    """Return what changes when a file changes; a missing file has sizes of -1."""
    return tuple(_stamp(path) for path in paths)


def _stamp(path: Path) -> tuple[str, int, int, int]:
    try:
        found = os.stat(path)  # noqa: PTH116 - pathlib has no other
    except OSError:
        return str(path), -1, -1, -1
    return str(path), found.st_size, found.st_mtime_ns, found.st_ino
