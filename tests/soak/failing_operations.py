"""FailingOperations: has the n-th operation on files below a folder fail, in this process and all that come from it.

A library in C stands between the processes and the system's own; it is compiled when needed. So nothing is missed:
neither what libraries write that are not Python, nor what worker processes do.
"""

import ctypes
import mmap
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

SOURCE = Path(__file__).with_name("disk_faults.c")
STATE = "DISK_FAULTS"
PATH_MAX = 4096


class State(ctypes.Structure):
    """What all processes share; the struct in ``disk_faults.c``."""

    _fields_ = (
        ("is_on", ctypes.c_long),
        ("fail_at", ctypes.c_long),
        ("lasts", ctypes.c_long),
        ("error", ctypes.c_long),
        ("count", ctypes.c_long),
        ("failed", ctypes.c_long),
        ("folder", ctypes.c_char * PATH_MAX),
        ("operation", ctypes.c_char * 64),
        ("path", ctypes.c_char * PATH_MAX),
    )


class FailingOperations:
    """Switches failures on and off, and counts operations; all paths are absolute and without links."""

    def __init__(self):
        with Path(os.environ[STATE]).open("r+b") as file:
            self.state = State.from_buffer(mmap.mmap(file.fileno(), ctypes.sizeof(State)))

    @contextmanager
    def failing(self, number, error, folder, *, lasts=False):
        """Have the n-th operation from now on fail, and all after it if that lasts, or none if it is 0.

        Operations on files below a folder are counted.
        """
        self.state.count, self.state.failed, self.state.operation, self.state.path = 0, 0, b"", b""
        self.state.fail_at, self.state.error, self.state.folder = number, error, os.fsencode(folder)
        self.state.lasts, self.state.is_on = lasts, 1
        try:
            yield self
        finally:
            self.state.is_on = 0

    @property
    def count(self):
        """Operations that were counted."""
        return self.state.count

    @property
    def has_failed(self):
        """Whether there was an n-th operation."""
        return self.state.failed > 0

    @property
    def operation(self):
        """The operation that failed first."""
        return self.state.operation.decode()

    @property
    def path(self):
        """The path on which it failed."""
        return Path(os.fsdecode(self.state.path))


def run_again_with_library(folder):
    """Compile the library and run this program again with it; return its exit code, None where it cannot be compiled.

    Args:
        folder: Where the library and what it shares are kept.
    """
    compiler = shutil.which("cc")
    if compiler is None or not sys.platform.startswith("linux"):
        return None
    library, state = folder / "disk_faults.so", folder / "state"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, SOURCE, "-ldl"], check=True)
    state.write_bytes(bytes(ctypes.sizeof(State)))
    more = {"LD_PRELOAD": str(library), STATE: str(state), "TMPDIR": str(folder)}
    return subprocess.run([sys.executable, *sys.argv], env=os.environ | more, check=False).returncode


def is_loaded():
    """Return whether the library is loaded."""
    return STATE in os.environ
