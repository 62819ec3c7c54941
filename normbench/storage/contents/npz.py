"""Reads the arrays of a .npz file without pickles, and without unpacking more than they may hold."""

import io
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_UNPACKED = 256_000_000
"""Most bytes of all arrays together; a small archive may claim to hold terabytes."""


def read_arrays(raw: bytes, kinds: Mapping[str, str]) -> "dict[str, NDArray[Any]]":
    """Read arrays from the bytes of a .npz file.

    Args:
        raw: The file's bytes.
        kinds: For each array's name the kinds of its numbers as numpy writes them: "iu" whole ones, "f", "U" texts.

    Raises:
        ValueError: It is no such archive, lacks an array, or an array is of another kind or size.
    """
    found, num_left = {}, MAX_UNPACKED
    try:
        with ZipFile(io.BytesIO(raw)) as archive:
            for name, kind in kinds.items():
                content = _unpacked(archive, f"{name}.npy", num_left)
                num_left -= len(content)
                found[name] = _array(content, kind)
    except Exception as error:  # noqa: BLE001 - whatever a damaged archive leads to
        raise ValueError(f"{type(error).__name__}: {error}") from None
    return found


def _unpacked(archive: ZipFile, name: str, max_bytes: int) -> bytes:
    info = archive.getinfo(name)
    if info.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        raise ValueError(f"{name} packed in another way")
    with archive.open(info) as file:
        content = file.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise ValueError(f"more than {MAX_UNPACKED:,} bytes of arrays")
    return content


def _array(content: bytes, kind: str) -> "NDArray[Any]":
    """Return the array of a .npy file, whose header must say of what kind and as large as what follows it."""
    import numpy as np

    file = io.BytesIO(content)
    is_first = np.lib.format.read_magic(file) == (1, 0)
    read_header = np.lib.format.read_array_header_1_0 if is_first else np.lib.format.read_array_header_2_0
    shape, is_by_columns, dtype = read_header(file)
    if dtype.kind not in kind or any(size < 0 for size in shape):
        raise ValueError(f"numbers of kind {dtype} and shape {shape}")
    rest = content[file.tell() :]
    if math.prod(shape) * dtype.itemsize != len(rest) or not dtype.itemsize:
        raise ValueError(f"{len(rest):,} bytes for {dtype} of shape {shape}")
    return np.frombuffer(rest, dtype).reshape(shape, order="F" if is_by_columns else "C").copy()
