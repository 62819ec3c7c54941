"""FailingCalls: has the n-th call of Python's on files below a folder fail; `make soak` reaches calls of C as well."""

import mmap
import os
import sys
from pathlib import Path

ON_PATHS = ("open", "os.listdir", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.scandir", "os.utime")
"""What Python tells an audit hook before it does it, the path first; of os.rename the new one is taken."""


class FailingCalls:
    """Counts calls in a forked process and has one of them fail; what it found is shared with the process before."""

    def __init__(self):
        self._shared = mmap.mmap(-1, 4096)

    def begin(self, number, error, folder):
        """Have the n-th call from now on fail in this process, none if it is 0; it is told by ``found``."""
        count, fsync = 0, os.fsync

        def reach(path, *named):
            nonlocal count
            if not isinstance(path, int) and Path(path).absolute().is_relative_to(folder):  # an open file is no path
                count += 1
                self._tell(count, path)
                if count == number:
                    raise OSError(error, os.strerror(error), *named)

        def hook(event, arguments):
            if event in ON_PATHS and (count < number or not number):
                path = arguments[1 if event == "os.rename" else 0]
                reach(path, path)

        def flush(descriptor):
            if count < number or not number:
                reach(Path(f"/proc/self/fd/{descriptor}").readlink())
            fsync(descriptor)

        os.fsync = flush
        sys.addaudithook(hook)

    def found(self):
        """Return the number of calls so far, and the path of the last."""
        count, path = self._shared[:].rstrip(b"\0").decode().split(" ", 1)
        return int(count), Path(path)

    def _tell(self, count, path):
        told = f"{count} {Path(path).absolute()}".encode()
        self._shared[:] = told.ljust(len(self._shared), b"\0")
