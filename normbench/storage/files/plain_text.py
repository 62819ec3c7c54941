"""Makes text safe to print: characters that control a terminal are shown as escapes."""

import re
import shlex
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TextIO, cast

from normbench.storage.files.streams import STDOUT, NamedStream, QuietStream

# C0 but for tab and newline, DEL, C1, line separators, marks that turn the direction of writing, lone surrogates.
_CONTROL_CHARACTERS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)


def visible(text: str) -> str:
    r"""Return text with every character that controls a terminal written as ``\uXXXX``, which JSON also reads.

    Example:
        >>> print(visible("\x1b[31mred"))
        \u001b[31mred
    """
    return _CONTROL_CHARACTERS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def one_line(text: str) -> str:
    r"""Return text as ``visible`` does, with line breaks and tabs escaped too.

    Example:
        >>> print(one_line("a\nb"))
        a\u000ab
    """
    return visible(text).replace("\n", "\\u000a").replace("\t", "\\u0009")


def command_line(*words: object, runs_dir: object = "runs") -> str:
    """Return a normbench command for a shell, with ``--runs-dir`` where the runs folder is not the default.

    Example:
        >>> command_line("run", "my run.yaml", runs_dir="runs here")
        "normbench run 'my run.yaml' --runs-dir 'runs here'"
    """
    place = [] if str(runs_dir) == "runs" else ["--runs-dir", str(runs_dir)]
    return shlex.join(["normbench", *map(str, words), *place])


def option_words(options: Mapping[str, object]) -> list[str]:
    """Return the words of a command's options, as study.json holds them.

    Example:
        >>> option_words({"--set": ["l1=0.1", "norm=none"], "--seeds": 8, "--quick": True})
        ['--set', 'l1=0.1', '--set', 'norm=none', '--seeds', '8', '--quick']
    """
    words: list[str] = []
    for option, value in options.items():
        values = value if isinstance(value, list) else [value]
        words += [word for one in values for word in ([option] if one is True else [option, str(one)])]
    return words


class VisibleStream:
    """A text stream that passes all text through ``visible`` before it writes it."""

    def __init__(self, stream: TextIO) -> None:
        self.beneath = stream

    def write(self, text: str) -> int:
        """Write text; return its length."""
        self.beneath.write(visible(text))
        return len(text)

    def flush(self) -> None:
        """Flush the stream beneath."""
        self.beneath.flush()

    def close(self) -> None:
        """Flush the stream beneath, which stays open: others print to it until the process ends."""
        self.flush()

    def isatty(self) -> bool:
        """Return whether the stream beneath is a terminal."""
        return self.beneath.isatty()

    def fileno(self) -> int:
        """Return the file descriptor of the stream beneath."""
        return self.beneath.fileno()

    @property
    def encoding(self) -> str:
        """Encoding of the stream beneath."""
        return self.beneath.encoding

    @property
    def errors(self) -> str | None:
        """Error handler of the stream beneath for letters it cannot encode."""
        return self.beneath.errors


def stream_beneath(stream: TextIO) -> TextIO:
    """Return the stream beneath a ``VisibleStream``, for a console that controls the terminal itself."""
    return stream.beneath if isinstance(stream, VisibleStream) else stream


@contextmanager
def print_visible_text() -> Iterator[None]:
    """Make all text that is printed inside the block visible, so that none of it controls the terminal."""
    kept = sys.stdout, sys.stderr
    named = NamedStream(kept[0], STDOUT), QuietStream(kept[1], "standard error")
    sys.stdout, sys.stderr = (cast(TextIO, VisibleStream(cast(TextIO, stream))) for stream in named)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = kept
