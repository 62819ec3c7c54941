"""Standard streams that may be closed, full or read by nobody: a line or silence, never a traceback."""

import io
import os
import sys
from contextlib import suppress
from typing import Any, TextIO

STDOUT = "standard output"
"""How a failure of the system names it."""


class NamedStream:
    """A text stream whose failures name it; what else it can do the stream beneath does."""

    def __init__(self, stream: TextIO, name: str) -> None:
        self._stream, self._name = stream, name

    def write(self, text: str) -> int:
        """Write text; return how much of it."""
        try:
            return self._stream.write(text)
        except OSError as error:
            error.filename = self._name
            raise

    def flush(self) -> None:
        """Write out what has been kept."""
        try:
            self._stream.flush()
        except OSError as error:
            error.filename = self._name
            raise

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class QuietStream(NamedStream):
    """A text stream that nobody may be able to read: what cannot be written there is lost, and nothing ends by it."""

    def write(self, text: str) -> int:
        """Write text if it can be written."""
        with suppress(OSError):
            super().write(text)
        return len(text)

    def flush(self) -> None:
        """Write out what has been kept if it can be written."""
        with suppress(OSError):
            super().flush()


def open_standard_streams() -> None:
    """Open those that are closed as the null device, before a file of a run gets their number."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is not None:
            continue
        try:
            os.fstat(number)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
        setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115 - to the end


def discard_output() -> None:
    """Let the rest of what goes to the standard output go nowhere, what is kept of it included."""
    with suppress(OSError, ValueError, io.UnsupportedOperation):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)
