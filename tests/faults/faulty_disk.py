"""A disk that has no room for some files, or opens them only to be read."""

import errno
import io
import os
import re
from contextlib import contextmanager
from unittest.mock import patch


class FullFile(io.FileIO):
    """A file that takes so many bytes and then, as on a full disk, what still fits and no more."""

    def __init__(self, path, mode, room):
        super().__init__(path, mode)
        self._left = room

    def write(self, data):
        """Write what fits; the system's error names no file."""
        content = memoryview(data).cast("B")[: self._left]
        if not content and len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written = super().write(content)
        self._left -= written
        return written


@contextmanager
def failing_to_open(pattern, fail):
    """Have ``fail(path, mode)`` stand for the opening of files to be written whose path the pattern finds."""
    real, opened = io.open, []

    def open_(file, mode="r", buffering=-1, encoding=None, errors=None, newline=None, **more):
        if set(mode) & set("wax+") and re.search(pattern, str(file)):
            opened.append(str(file))
            raw = fail(file, mode.replace("b", ""))
            return raw if "b" in mode else io.TextIOWrapper(raw, encoding, errors, newline)
        return real(file, mode, buffering, encoding, errors, newline, **more)

    with patch.object(io, "open", open_):
        yield opened
    assert opened, f"nothing opened {pattern}"


def no_room(pattern, room=0):
    """Have files whose path the pattern finds take ``room`` bytes each."""
    return failing_to_open(pattern, lambda path, mode: io.BufferedWriter(FullFile(path, mode, room)))


def read_only(pattern):
    """Have files whose path the pattern finds lie on a disk that can only be read."""

    def fail(path, _):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

    return failing_to_open(pattern, fail)
