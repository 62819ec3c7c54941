"""Digests of data as they were read: of names, types, shapes and values, not of a file's bytes; and of single rows."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

BYTES_AT_ONCE = 2**24


def content_digest(contents: Mapping[str, NDArray[Any] | Sequence[str]]) -> str:
    """Return one sha256 over all arrays and lists of names, whatever file format they came in.

    Example:
        >>> one = content_digest({"x": np.zeros((2, 3)), "classes": ["a", "b"]})
        >>> one == content_digest({"classes": ["a", "b"], "x": np.zeros((2, 3))}), len(one)
        (True, 64)
    """
    found = sha256()
    for name in sorted(contents):
        content = contents[name]
        if isinstance(content, np.ndarray):
            values = np.ascontiguousarray(content, dtype=content.dtype.newbyteorder("<"))
            found.update(f"{(name, values.dtype.str, values.shape)!r}\n".encode())
            found.update(values.data)
        else:
            found.update(f"{(name, list(content))!r}\n".encode())
    return found.hexdigest()


def row_digests(arrays: Sequence[NDArray[Any]]) -> NDArray[np.uint64]:
    """Return 64 bits per row, equal where all its values are equal; others agree once in 10^17 pairs.

    Args:
        arrays: Numbers of one length, (N, *); rows are taken across all of them.
    """
    found = np.zeros(len(arrays[0]), dtype=np.uint64)
    for number, array in enumerate(arrays):
        flat = array.reshape(len(array), -1)
        num_bytes = flat.shape[1] * flat.dtype.itemsize
        weights = np.random.default_rng([7, number]).integers(0, 2**64, num_bytes, dtype=np.uint64) | np.uint64(1)
        size = max(1, BYTES_AT_ONCE // (8 * max(1, num_bytes)))
        for start in range(0, len(flat), size):
            values = np.ascontiguousarray(flat[start : start + size]).view(np.uint8).astype(np.uint64)
            found[start : start + size] += values @ weights
    return found
