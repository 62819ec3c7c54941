"""Text that others wrote, shown as text: what would steer a terminal becomes a visible escape."""

import re
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO, cast

from normbench.storage.files.streams import STDOUT, NamedStream, QuietStream

# C0 but for tab and newline, DEL, C1, line separators, marks that turn the direction of writing, lone surrogates.
_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def visible(text: str) -> str:
    r"""Return text with every character that steers a terminal written as ``\uXXXX``, which JSON also reads.

    Example:
        >>> print(visible("\x1b[31mred"))
        \u001b[31mred
    """
    return _STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def one_line(text: str) -> str:
    r"""Return text as ``visible`` does, in one line whatever it holds.

    Example:
        >>> print(one_line("a\nb"))
        a\u000ab
    """
    return visible(text).replace("\n", "\\u000a").replace("\t", "\\u0009")


def command_line(*words: object, runs_dir: object = "runs") -> str:
    """Return a command to be pasted into a shell; the runs folder is named where it is not the usual one.

    Example:
        >>> command_line("run", "my run.yaml", runs_dir="runs here")
        "normbench run 'my run.yaml' --runs-dir 'runs here'"
    """
    place = [] if str(runs_dir) == "runs" else ["--runs-dir", str(runs_dir)]
    return shlex.join(["normbench", *map(str, words), *place])


class VisibleStream:
    """A text stream that shows what is written to it as ``visible`` does."""

    def __init__(self, stream: TextIO) -> None:
        self.beneath = stream

    def write(self, text: str) -> int:
        """Write text; return how much of it."""
        self.beneath.write(visible(text))
        return len(text)

    def flush(self) -> None:
        """Write out what the stream beneath has kept."""
        self.beneath.flush()

    def isatty(self) -> bool:
        """Return whether a terminal lies beneath."""
        return self.beneath.isatty()

    def fileno(self) -> int:
        """Return the number of the file beneath."""
        return self.beneath.fileno()

    @property
    def encoding(self) -> str:
        """How the stream beneath writes letters."""
        return self.beneath.encoding

    @property
    def errors(self) -> str | None:
        """What the stream beneath does with letters it cannot write."""
        return self.beneath.errors


def stream_beneath(stream: TextIO) -> TextIO:
    """Return the stream that a console writes to, which steers the terminal itself and makes its text visible."""
    return stream.beneath if isinstance(stream, VisibleStream) else stream


@contextmanager
def only_visible_text() -> Iterator[None]:
    """Let nothing that is printed inside the block steer the terminal."""
    kept = sys.stdout, sys.stderr
    named = NamedStream(kept[0], STDOUT), QuietStream(kept[1], "standard error")
    sys.stdout, sys.stderr = (cast(TextIO, VisibleStream(cast(TextIO, stream))) for stream in named)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = kept
