"""Writes files by rename and makes folders, all flushed to disk; turns errors of the system into a line for users."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import takewhile
from pathlib import Path
from typing import IO

from normbench.storage.files.flushing import Flush, flush_descriptor, flush_file, flush_folder

_ANOTHER = "Choose another with --runs-dir."
_WAYS_OUT = {
    errno.ENOSPC: "Make room on the disk.",
    errno.EDQUOT: "Make room within the quota.",
    errno.EFBIG: "Allow larger files.",
    errno.EROFS: "Choose a folder that can be written with --runs-dir.",
    errno.EACCES: "Allow this user to write there, or choose another folder with --runs-dir.",
    errno.EPERM: "Allow this user to write there, or choose another folder with --runs-dir.",
    errno.ENOENT: "It was removed while it was in use.",
    errno.EMFILE: "Allow more open files.",
}


def way_out(error: OSError) -> str:
    """Return what a user can do about an error of the system, as a sentence."""
    return _WAYS_OUT.get(error.errno or 0, _ANOTHER)


def os_error_line(error: OSError, place: Path | str) -> str:
    """Return an error of the system as a line for users; ``place`` is named where the error names no file."""
    problem = error.strerror or str(error)
    return f"{error.filename or place}: must be readable and writable, got: {problem}. {way_out(error)}"


def is_read_only(error: OSError) -> bool:
    """Return whether an error of the system says that a place may only be read."""
    return error.errno in (errno.EROFS, errno.EACCES, errno.EPERM)


@contextmanager
def name_in_errors(path: Path) -> Iterator[None]:
    """Put this path into every OSError raised inside the block; errors of writing have none by themselves."""
    try:
        yield
    except OSError as error:
        error.filename, error.filename2 = str(path), None
        raise


PART_PREFIX = ".part-"
"""Prefix of half-written files; no arm's folder and no file of a run can have it."""


def part_path(path: Path) -> Path:
    """Return the path of the half-written file that this process later renames to ``path``."""
    return path.with_name(f"{PART_PREFIX}{path.name}-{os.getpid()}")


@contextmanager
def replacing(path: Path, flush: Flush = Flush.CONTENT_AND_NAME) -> Iterator[Path]:
    """Yield a path to write to; rename it to ``path`` when the block ends, or remove it when the block raises.

    So no process ever reads half of ``path``, also not after a power cut, and a failed write leaves no file behind.

    Args:
        path: The file.
        flush: What is on disk of it afterwards, its content before it gets its name.
    """
    part = part_path(path)
    try:
        with name_in_errors(path):
            yield part
            if flush != Flush.NOTHING:
                flush_file(part)
            part.replace(path)
            if flush == Flush.CONTENT_AND_NAME:
                flush_folder(path.parent)
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def close(file: IO[str] | IO[bytes], path: Path, *, failed: bool) -> None:
    """Flush a file to disk and close it.

    If ``failed``, only close it and ignore an OSError of closing, so that the first error is the one reported.
    """
    with suppress(*([OSError] if failed else [])), name_in_errors(path), file:
        if not failed:
            file.flush()
            flush_descriptor(file.fileno())


def make_folder(folder: Path) -> None:
    """Make a folder and those around it, where they are missing, and flush their names to disk."""
    missing = list(takewhile(_is_missing, (folder, *folder.parents)))
    folder.mkdir(parents=True, exist_ok=True)
    for path in missing:
        with name_in_errors(path):
            flush_folder(path.parent)


def _is_missing(path: Path) -> bool:
    return not os.path.exists(path)  # noqa: PTH110 - never raises


def rename(path: Path, target: Path) -> None:
    """Rename a file or a folder within its folder, and flush the new name to disk.

    Raises:
        OSError: It could not be renamed, and has its old name.
    """
    path.replace(target)
    try:
        with name_in_errors(target):
            flush_folder(target.parent)
    except OSError:
        with suppress(OSError):
            target.replace(path)
        raise
