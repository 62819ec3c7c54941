"""Writes to standard streams that may be closed or full, without a traceback."""

import io
import os
import sys
from contextlib import suppress
from typing import Any, TextIO

STDOUT = "standard output"
"""Name of the stream in error messages."""


class NamedStream:
    """A text stream that puts its name into every OSError; all else is passed to the stream beneath."""

    def __init__(self, stream: TextIO, name: str) -> None:
        self._stream, self._name = stream, name

    def write(self, text: str) -> int:
        """Write text; return its length."""
        try:
            return self._stream.write(text)
        except OSError as error:
            error.filename = self._name
            raise

    def flush(self) -> None:
        """Flush the stream beneath."""
        try:
            self._stream.flush()
        except OSError as error:
            error.filename = self._name
            raise

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class QuietStream(NamedStream):
    """A text stream that ignores every OSError: text that cannot be written is lost."""

    def write(self, text: str) -> int:
        """Write text, or lose it; return its length."""
        with suppress(OSError):
            super().write(text)
        return len(text)

    def flush(self) -> None:
        """Flush the stream beneath, ignoring an OSError."""
        with suppress(OSError):
            super().flush()


def open_standard_streams() -> None:
    """Open closed standard streams on the null device, before a file of a run gets their descriptor."""
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
    """Send all further standard output, including what is buffered, to the null device."""
    with suppress(OSError, ValueError, io.UnsupportedOperation):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)
