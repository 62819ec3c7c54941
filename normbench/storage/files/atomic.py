"""Files written by rename, and failures of the system that name the file and the way out."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

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
    """Return what a user can do about a failure of the system."""
    return _WAYS_OUT.get(error.errno or 0, _ANOTHER)


def refusal(error: OSError, place: Path | str) -> str:
    """Return a failure of the system as a line; ``place`` is named where the system names no file."""
    said = error.strerror or str(error)
    return f"{error.filename or place}: must be readable and writable, got: {said}. {way_out(error)}"


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Have a failure of the system inside the block name this file: one to write, unlike one to open, names none."""
    try:
        yield
    except OSError as error:
        error.filename, error.filename2 = str(path), None
        raise


PART = ".part-"
"""How the name of a half-written file begins: no arm's folder and no file of a run can be called so."""


def part_of(path: Path) -> Path:
    """Return the file that this process writes before it takes the place of ``path``."""
    return path.with_name(f"{PART}{path.name}-{os.getpid()}")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a file to write, which takes the place of ``path`` if the block ends well, and else is gone.

    Nobody ever reads half of ``path``, and a full disk is not kept full.
    """
    part = part_of(path)
    try:
        with naming(path):
            yield part
            part.replace(path)
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def close(file: IO[str] | IO[bytes], path: Path, *, failed: bool) -> None:
    """Close a file; where something has failed already, that is what is told, not that the rest cannot be written."""
    with suppress(*([OSError] if failed else [])), naming(path):
        file.close()
