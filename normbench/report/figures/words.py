"""Fits text into pictures: measures it as it will be drawn, and breaks names and titles into lines of a width."""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING

from normbench.storage.files.plain_text import one_line

if TYPE_CHECKING:
    from matplotlib.backends.backend_agg import RendererAgg

POINTS_PER_INCH = 72
LINE = 1.25
"""Height of a line as a multiple of its type size."""
TYPE, TITLE_TYPE, SMALL_TYPE = 9.0, 12.0, 8.0
"""Type sizes in points; none is smaller than the last."""
_PIECES = re.compile(r"(?:[^\s,_=/.:-]|(?<=\d)\.(?=\d)|-(?=\d))*[,_=/.:-]?\s*|\s+")
"""Between them a line may end: after a space, and after what joins the words of a label, but not within a number."""


@cache
def text_width(text: str, size: float) -> float:
    """Return the width of one line in inches."""
    from matplotlib.font_manager import FontProperties

    renderer = _renderer()
    font = FontProperties(size=size)
    width, _, _ = renderer.get_text_width_height_descent(text, font, ismath=False)  # type: ignore[no-untyped-call]
    return float(width) / POINTS_PER_INCH


@cache
def _renderer() -> "RendererAgg":
    from matplotlib.backends.backend_agg import RendererAgg

    return RendererAgg(1, 1, POINTS_PER_INCH)  # type: ignore[no-untyped-call]


def height_of(num_lines: int, size: float) -> float:
    """Return the height of lines of text in inches."""
    return num_lines * LINE * size / POINTS_PER_INCH


def wrapped(text: str, width: float, size: float) -> list[str]:
    """Return the lines of a text in a width of inches, none wider; a word that is too long is cut, a line's end stays.

    Example:
        >>> wrapped("norm=batch_norm,batch_size=32", 1.2, 8)
        ['norm=batch_norm,', 'batch_size=32']
        >>> all(text_width(line, 8) <= 0.5 for line in wrapped("a" * 120, 0.5, 8))
        True
    """
    return [line for part in text.splitlines() or [""] for line in _wrapped(one_line(part), width, size)]


def _wrapped(text: str, width: float, size: float) -> list[str]:
    lines, line = [], ""
    for piece in _pieces(text, width, size):
        if line and text_width((line + piece).rstrip(), size) > width:
            lines.append(line.rstrip())
            line = ""
        line += piece
    return [*lines, line.rstrip()] if line.strip() or not lines else lines


def _pieces(text: str, width: float, size: float) -> Iterator[str]:
    """Yield parts of a text that fit into the width each."""
    for piece in filter(None, _PIECES.findall(text)):
        while text_width(piece.rstrip(), size) > width and len(piece) > 1:
            head = _longest_head(piece, width, size)
            yield head
            piece = piece[len(head) :]  # noqa: PLW2901 - what is left of it
        yield piece


def _longest_head(text: str, width: float, size: float) -> str:
    """Return as many of a text's first letters as fit, at least one."""
    low, high = 1, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if text_width(text[:middle], size) <= width else (low, middle - 1)
    return text[:low]


def widest(texts: Iterable[str], size: float) -> float:
    """Return the width of the widest of some texts of several lines, in inches."""
    return max((text_width(line, size) for text in texts for line in text.splitlines()), default=0.0)


def seeds_text(counts: Sequence[int]) -> str:
    """Return numbers of seeds in words.

    Example:
        >>> seeds_text([8, 8]), seeds_text([6, 8]), seeds_text([1])
        ('8 seeds', '6 to 8 seeds', '1 seed')
    """
    low, high = min(counts, default=0), max(counts, default=0)
    return f"{high} seed{'s' * (high != 1)}" if low == high else f"{low} to {high} seeds"
