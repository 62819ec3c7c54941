"""Reads .npy and .npz files without trusting them: no pickled objects, no array larger than its file or memory."""

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import IO, Any, BinaryIO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from normbench.errors import DataError, SettingError
from normbench.finite_data.data_files import open_data
from normbench.finite_data.memory import too_large_text

Array = NDArray[Any]
KEY = "file"
_SUFFIX, _ZIP = ".npy", b"PK"
_DAMAGE = (ValueError, EOFError, OSError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, KeyError)
_OBJECTS = "must hold numbers or text, {} holds Python objects, which are pickled and could run any code"


@dataclass(frozen=True)
class ArrayFile:
    """A .npy or .npz file. A .npy file has one array, whose name the study file says.

    Attributes:
        path: The file.
        said: What the setting says, for refusals.
    """

    path: Path
    said: str

    def names(self) -> tuple[str, ...]:
        """Return the names of all arrays of an .npz file; none of a .npy file.

        Raises:
            DataError: It is no such file.
        """
        with self._told(""), open_data(self.path, KEY, self.said) as file:
            if not zipfile.is_zipfile(file):
                self._check_start(file)
                return ()
            with zipfile.ZipFile(file) as archive:
                names = [name for name in archive.namelist() if name.endswith(_SUFFIX)]
                return tuple(name.removesuffix(_SUFFIX) for name in names)

    def read(self, name: str = "") -> Array:
        """Return an array by its name; without one that of a .npy file.

        Raises:
            DataError: It is damaged, holds objects, or is too large.
        """
        with self._told(name), open_data(self.path, KEY, self.said) as file:
            if not name:
                return self._array(file, self.path.stat().st_size, name)
            with zipfile.ZipFile(file) as archive:
                member = archive.getinfo(name + _SUFFIX)
                with archive.open(member) as inside:
                    return self._array(inside, member.file_size, name)

    def _array(self, file: BinaryIO | IO[bytes], num_bytes: int, name: str) -> Array:
        """Read an array whose header agrees with the number of bytes that are there."""
        read_header = npy.read_array_header_1_0 if npy.read_magic(file) == (1, 0) else npy.read_array_header_2_0
        shape, _, dtype = read_header(file)
        if dtype.hasobject:
            rule = _OBJECTS.format(f"array {name!r}" if name else "it")
            raise DataError([SettingError(KEY, rule, self.said, "Save arrays of numbers.")])
        size, there = prod(shape) * dtype.itemsize, num_bytes - file.tell()
        if size != there:
            raise ValueError(f"its header says {size:,} bytes, {there:,} are there")
        problem = too_large_text(size)
        if problem:
            raise DataError([SettingError(KEY, problem, self.said, "Use fewer rows or a smaller type.")])
        return npy.read_array(_from_start(file), allow_pickle=False)

    def _check_start(self, file: BinaryIO) -> None:
        start = _from_start(file).read(len(npy.MAGIC_PREFIX))
        if start != npy.MAGIC_PREFIX:
            raise ValueError("its end is missing" if start.startswith(_ZIP) else "it begins otherwise")

    @contextmanager
    def _told(self, name: str) -> Iterator[None]:
        try:
            yield
        except DataError:
            raise
        except _DAMAGE as error:
            what = f"array {name!r} of {self.path.name}" if name else self.path.name
            rule = f"must be an .npy or .npz file, {what} is not: {' '.join(str(error).split())}"
            raise DataError([SettingError(KEY, rule, self.said, "Save it again with numpy.savez.")]) from None


def _from_start(file: Any) -> Any:
    file.seek(0)
    return file


def is_numeric(array: Array) -> bool:
    """Return whether an array holds whole numbers, real numbers, or true and false."""
    return array.dtype.kind in "biuf"


def rows_of(array: Array) -> int:
    """Return the number of rows; an array without axes has none."""
    return len(array) if array.ndim else 0


def as_native(array: Array) -> Array:
    """Return an array in this machine's order of bytes."""
    return np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("="))
