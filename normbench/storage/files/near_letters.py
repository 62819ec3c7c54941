"""Prints letters that a stream's encoding lacks as near ones, or as escapes, instead of failing."""

import codecs
import sys
import unicodedata
from typing import Any

_HANDLER = "normbench.near_letters"
# None has a double quote, a comma or a backslash: CSV and JSON around them stay as they are.
_NEAR = {
    "±": "+-",
    "·": "-",
    "•": "-",
    "\N{MULTIPLICATION SIGN}": "x",
    "→": "->",
    "←": "<-",
    "↑": "^",
    "↓": "v",
    "≤": "<=",
    "≥": ">=",
    "≠": "!=",
    "≈": "~",
    "∞": "inf",
    "\N{MINUS SIGN}": "-",
    "\N{EN DASH}": "-",
    "—": "-",
    "†": "+",
    "‡": "++",
    "“": "'",
    "”": "'",
    "„": "'",
    "\N{LEFT SINGLE QUOTATION MARK}": "'",
    "\N{RIGHT SINGLE QUOTATION MARK}": "'",
    "━": "-",
    "─": "-",
    "│": "|",
}


def near_letter(letter: str) -> str:
    r"""Return ASCII for one letter: near ones, the letter without its accents, or an escape that JSON reads too.

    Example:
        >>> [near_letter(letter) for letter in "±…é²的"]
        ['+-', '...', 'e', '2', '\\u7684']
    """
    if letter in _NEAR:
        return _NEAR[letter]
    parts = unicodedata.normalize("NFKD", letter)
    plain = "".join(part for part in parts if not unicodedata.combining(part))
    return plain if plain.isascii() and plain.isprintable() and not set('",\\') & set(plain) else _escaped(letter)


def _escaped(letter: str) -> str:
    units = letter.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[i : i + 4]}" for i in range(0, len(units), 4))


def _near_letters(error: UnicodeError) -> tuple[str, int]:
    """Return what to print for the letters that could not be encoded, and where to go on."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(near_letter, error.object[error.start : error.end])), error.end


codecs.register_error(_HANDLER, _near_letters)


def print_near_letters() -> None:
    """Make both standard streams print near letters where their encoding lacks one, as ASCII and cp1252 do."""
    streams: list[Any] = [sys.stdout, sys.stderr]
    for stream in streams:
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=_HANDLER)
