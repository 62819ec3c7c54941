"""Prints lines of text, of which the headers of tables are bold."""

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

Row = tuple[str, bool]
"""A printed line, and whether it is a header."""


def print_rows(console: Console, rows: Sequence[Row]) -> None:
    """Print lines; all between two headers at once, since rich takes two seconds for a thousand lines one by one."""
    plain: list[str] = []
    for text, is_header in rows:
        if is_header:
            _write(console, plain)
            console.print(Text(text, style="bold"), soft_wrap=True)
        else:
            plain.append(text)
    _write(console, plain)


def _write(console: Console, lines: list[str]) -> None:
    if lines:
        console.out("\n".join(lines), highlight=False)
        lines.clear()
