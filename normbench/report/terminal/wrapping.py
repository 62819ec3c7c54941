"""Breaks text into lines of a width, between facts or words, and commands so that they can be copied."""

import re
import shlex
from collections.abc import Sequence

from rich.cells import cell_len

from normbench.report.blocks.block import Line
from normbench.storage.files.plain_text import one_line

DOT = " · "
CONTINUATION = "\\"
NARROWEST = 20
_SPACE = re.compile(r" (?!%)(?![-+\d.,einfa ]*\])")
"""Where a line may end: not before a percent sign, nor inside an interval, whose ends are numbers, inf or nan."""
_JOINT = re.compile(r"(?<=[,;/])(?<!\d/)(?<!\d,(?=\d{3}(?!\d)))(?![,;/ ])")
"""Where a long name or path is broken: behind commas and slashes, but not those of 61,610 and 1/2."""
_SMALL_JOINT = re.compile(r"(?<==)(?!=)|(?<=[^\W\d][.-])(?=[^\W\d])")
"""Where a piece of it is broken that is still too long: behind =, and behind the dots and hyphens of a name."""


def wrapped(text: str, width: int) -> list[str]:
    """Return the lines of a text; if it begins with spaces, all lines are indented.

    Example:
        >>> wrapped("  batch_size 16 · sgd lr 0.01 · dropout 0", 24)
        ['  batch_size 16 ·', '  sgd lr 0.01 ·', '  dropout 0']
    """
    if cell_len(text) <= width:
        return [text]
    indent = " " * (len(text) - len(text.lstrip()))
    room = max(NARROWEST, width - len(indent))
    facts = text.strip().split(DOT)
    pieces = [f"{fact} ·" for fact in facts[:-1]] + facts[-1:]
    fitting = [piece for fact in pieces for piece in ([fact] if cell_len(fact) <= room else _words(fact, room))]
    return [f"{indent}{line}" for line in _filled(fitting, room)]


def _filled(pieces: Sequence[str], width: int, joint: str = " ") -> list[str]:
    """Join as many pieces per line as fit."""
    lines: list[str] = []
    for piece in pieces:
        if lines and cell_len(lines[-1]) + len(joint) + cell_len(piece) <= width:
            lines[-1] += joint + piece
        else:
            lines.append(piece)
    return lines


def _words(text: str, width: int) -> list[str]:
    """Return words that fit; a percent sign stays with its number, and an interval together."""
    words = _SPACE.split(text)
    return [piece for word in words for piece in ([word] if cell_len(word) <= width else folded(word, width))]


def folded(word: str, width: int) -> list[str]:
    """Split a word that is too long where names and paths have their joints; a piece without a joint stays whole.

    Example:
        >>> folded("norm=batch_norm,optimizer.lr=0.1", 20)
        ['norm=batch_norm,', 'optimizer.lr=0.1']
        >>> folded("61,610.25", 3)
        ['61,610.25']
    """
    parts = [
        piece
        for part in _JOINT.split(word)
        for piece in ([part] if cell_len(part) <= width else _SMALL_JOINT.split(part))
    ]
    return _filled(parts, width, joint="")


def pieces(text: str) -> list[str]:
    """Return the pieces of a text that are never broken: words, numbers, intervals, the parts of a dotted name.

    Example:
        >>> pieces("runs/a.b=0.1 is 61,610 [0.5, 1.5] %")
        ['runs/', 'a.', 'b=', '0.1', 'is', '61,610', '[0.5, 1.5] %']
    """
    return [piece for word in _SPACE.split(text) for part in _JOINT.split(word) for piece in _SMALL_JOINT.split(part)]


def longest_piece(text: str) -> int:
    """Return the width of the longest piece of a text that is never broken.

    Example:
        >>> longest_piece("optimizer.lr=0.001 of [0.5, 1.5] %")
        12
    """
    return max(map(cell_len, pieces(text)))


def cell_lines(text: str, width: int) -> list[str]:
    """Return the wrapped lines of a table's cell; only a piece that is never broken may be wider."""
    return _filled(_words(text, width), width) if cell_len(text) > width else [text]


def command_lines(line: Line, width: int) -> list[str]:
    r"""Return a command and its remark; a long command is continued after a backslash, as in a shell.

    Example:
        >>> command_lines(Line("normbench run 'a b.yaml' --seeds 8", is_command=True), 24)
        ['normbench run \\', "  'a b.yaml' --seeds 8"]
    """
    text = one_line(line.text)
    if cell_len(text) > width:
        first, *others = _filled([shlex.quote(word) for word in shlex.split(text)], width - 4)
        lines = [first, *(f"  {part}" for part in others)]
        lines = [*(f"{part} {CONTINUATION}" for part in lines[:-1]), lines[-1]]
    else:
        lines = [text]
    if not line.remark:
        return lines
    together = f"{lines[-1]}{' ' * max(3, 36 - cell_len(lines[-1]))}{line.remark}"
    narrow = f"{lines[-1]}   {line.remark}"
    for candidate in (together, narrow):
        if cell_len(candidate) <= width:
            return [*lines[:-1], candidate]
    return [*lines, *wrapped(line.remark, width)]


def label_width(lines: Sequence[Line]) -> int:
    """Return the width of the labels and the space behind them; 0 without labels."""
    longest = max((cell_len(one_line(line.label)) for line in lines), default=0)
    return longest + 2 if longest else 0
