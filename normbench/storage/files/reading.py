"""Reads regular files only, of bounded size; refuses pipes, sockets, devices, on which reading could wait forever."""

import errno
import os
import stat
from hashlib import sha256
from io import BufferedReader
from pathlib import Path

_KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a folder",
    stat.S_IFLNK: "a link",
}
MAX_BYTES = 64_000_000
"""Most bytes of a file of a runs folder that are read at once; no run of normbench writes one as large."""

PART_BYTES = 1_000_000


def open_regular(path: str | Path, *, follows_links: bool = True) -> BufferedReader:
    """Open a regular file for reading.

    Args:
        path: Its path.
        follows_links: Whether its name may be a link. In a runs folder none is: behind one lies another's file.

    Raises:
        OSError: It cannot be read, or is not a regular file.
    """
    return os.fdopen(_open(path, follows_links=follows_links)[0], "rb")


def read_bytes(path: str | Path, *, max_bytes: int | None = MAX_BYTES, follows_links: bool = False) -> bytes:
    """Return what a file holds, by default one of a runs folder.

    Args:
        path: Its path.
        max_bytes: The most that it may hold; None for any size.
        follows_links: Whether its name may be a link.

    Raises:
        OSError: It cannot be read, is no regular file, or is larger.
    """
    descriptor, size = _open(path, follows_links=follows_links)
    try:
        if max_bytes is not None and size > max_bytes:
            raise OSError(errno.EINVAL, f"{size:,} bytes, more than {max_bytes:,}", str(path))
        content = os.read(descriptor, size)
        while len(content) < size and (more := os.read(descriptor, size - len(content))):  # 2 GB at once on Linux
            content += more
        return content
    finally:
        os.close(descriptor)


def sha256_of(path: str | Path) -> str:
    """Return the sha256 of a file of a runs folder, of any size.

    Raises:
        OSError: It cannot be read, is a link or otherwise no regular file.
    """
    descriptor, _ = _open(path, follows_links=False)
    try:
        digest = sha256()
        while part := os.read(descriptor, PART_BYTES):  # most files are one part
            digest.update(part)
        return digest.hexdigest()
    finally:
        os.close(descriptor)


def _open(path: str | Path, *, follows_links: bool) -> tuple[int, int]:
    """Open a regular file; return its descriptor and its size. Of ten thousand runs a file object's price is seen."""
    kind = stat.S_IFMT((os.stat if follows_links else os.lstat)(path).st_mode)
    if kind != stat.S_IFREG:  # to open a device may already do something
        raise _not_a_file(path, kind)
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
    descriptor = os.open(path, flags if follows_links else flags | os.O_NOFOLLOW)
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):  # it was changed between the two looks
        os.close(descriptor)
        raise _not_a_file(path, stat.S_IFMT(found.st_mode))
    return descriptor, found.st_size


def _not_a_file(path: str | Path, kind: int) -> OSError:
    return OSError(errno.EINVAL, f"{_KINDS.get(kind, 'something else')} and no file", str(path))
