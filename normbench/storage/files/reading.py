"""Reads regular files only; refuses pipes, sockets, devices and folders, on which reading could wait forever."""

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

_KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a folder",
}


def open_regular(path: str | Path) -> BinaryIO:
    """Open a regular file for reading.

    Raises:
        OSError: It cannot be read, or is not a regular file.
    """
    kind = stat.S_IFMT(os.stat(path).st_mode)  # noqa: PTH116 - of ten thousand runs, pathlib's part is seen
    if kind != stat.S_IFREG:  # to open a device may already do something
        raise _not_a_file(path, kind)
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    file = os.fdopen(descriptor, "rb")
    kind = stat.S_IFMT(os.fstat(descriptor).st_mode)
    if kind != stat.S_IFREG:  # it was changed between the two looks
        file.close()
        raise _not_a_file(path, kind)
    return file


def read_bytes(path: str | Path) -> bytes:
    """Return what a file holds.

    Raises:
        OSError: It cannot be read, or is not a regular file.
    """
    with open_regular(path) as file:
        return file.read()


def _not_a_file(path: str | Path, kind: int) -> OSError:
    return OSError(errno.EINVAL, f"{_KINDS.get(kind, 'something else')} and no file", str(path))
