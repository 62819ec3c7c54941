"""Prints lines of text, of which the headers of tables are bold and verdicts have colours on a terminal."""

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

Span = tuple[int, int, str]
"""First letter, letter behind the last, and the style of these letters, of STYLES."""
Row = tuple[str, Sequence[Span]]
"""A printed line, and what is not plain in it."""
HEADER = "header"
STYLES = {HEADER: "bold", "for": "green", "against": "red", "smaller": "yellow", "open": "dim"}
VERDICTS = {
    "holds": "for",
    "better": "for",
    "supported": "for",
    "opposite": "against",
    "worse": "against",
    "refuted": "against",
    "smaller": "smaller",
    "cannot tell": "open",
    "undecided": "open",
    "no verdict": "open",
    "too few": "open",
    "not at a check": "open",
    "incomplete": "open",
    "not run": "open",
}
"""The style of a verdict, by how it begins."""


def header(text: str) -> Row:
    """Return the line of a header."""
    return text, ((0, len(text), HEADER),)


def style_of_verdict(text: str) -> str:
    """Return the style of a verdict; "" for one that is neither good nor bad, as "higher".

    Example:
        >>> style_of_verdict("better on these rows"), style_of_verdict("CANNOT TELL"), style_of_verdict("higher")
        ('for', 'open', '')
    """
    return next((style for word, style in VERDICTS.items() if text.lower().startswith(word)), "")


def print_rows(console: Console, rows: Sequence[Row]) -> None:
    """Print lines; all plain ones at once, since rich takes two seconds for a thousand lines one by one."""
    plain: list[str] = []
    for text, spans in rows:
        styled = [span for span in spans if _is_shown(span, console)]
        if styled:
            _write(console, plain)
            console.print(_styled(text, styled), soft_wrap=True)
        else:
            plain.append(text)
    _write(console, plain)


def _is_shown(span: Span, console: Console) -> bool:
    """Return whether a style is shown: none where no terminal is, none but the headers' where no colour is wanted."""
    return console.is_terminal and (span[2] == HEADER or not console.no_color)


def _styled(text: str, spans: Sequence[Span]) -> Text:
    styled = Text(text)
    for start, end, style in spans:
        styled.stylize(STYLES[style], start, end)
    return styled


def _write(console: Console, lines: list[str]) -> None:
    if lines:
        console.out("\n".join(lines), highlight=False)
        lines.clear()
