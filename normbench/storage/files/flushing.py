"""Flushes files and folders to disk, so that after a power cut no name leads to a file without its content.

What is flushed: a file that is published by rename before it gets its name, and then the folder that holds the name; a
file that a run writes bit by bit before a checkpoint and when the run ends; the name of a new or renamed folder. So a
run's summary, which is written last, is on disk only if all that it stands for is.

What is not: claim.json, which tells who makes a run now, and nobody after a power cut; .timings.json, which is measured
again; locks; and that a file was removed, since what should be gone is removed by the next command.
"""

import errno
import os
from contextlib import suppress
from enum import Enum
from pathlib import Path

_CANNOT_FLUSH = {errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}
"""What some network disks answer, for folders above all; what is written there is as safe as they make it."""


class Flush(Enum):
    """What is on disk of a file that is published by rename, once it is published.

    NOTHING need be of what counts for nothing after a power cut. CONTENT is for files that count by another one alone,
    before which their folder is flushed once for all of them.
    """

    NOTHING = "nothing"
    CONTENT = "content"
    CONTENT_AND_NAME = "content and name"


def flush_file(path: Path) -> None:
    """Wait until what was written into a file is on disk.

    Raises:
        OSError: It could not be written.
    """
    descriptor = os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0))  # Windows flushes what may be written alone
    try:
        flush_descriptor(descriptor)
    finally:
        os.close(descriptor)


def flush_folder(folder: Path) -> None:
    """Wait until the names in a folder are on disk; do nothing where it cannot be opened, as on Windows.

    Raises:
        OSError: They could not be written.
    """
    with suppress(PermissionError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            flush_descriptor(descriptor)
        finally:
            os.close(descriptor)


def flush_descriptor(descriptor: int) -> None:
    """Wait until what was written into an open file is on disk, or the names in an open folder.

    Raises:
        OSError: It could not be written.
    """
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _CANNOT_FLUSH:
            raise
