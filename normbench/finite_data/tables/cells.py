"""Cells: what is a number in a CSV file, strictly: 1,5 and 1_000 and nan and inf are none."""

import re
from collections.abc import Sequence

_NUMBER = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_END = "\x1f"  # ends a cell where many are looked at in one go
_ONE = re.compile(_NUMBER)
_OTHER = re.compile(f"[^0-9.eE+\\-{_END}]")
_DECIMAL_COMMA = re.compile(r"[+-]?[0-9]{1,3}(?:\.[0-9]{3})*,[0-9]+|[+-]?[0-9]+,[0-9]+")
_LEADING_ZERO = re.compile(f"(?:^|{_END})[+-]?0[0-9]")


def is_number(cell: str) -> bool:
    """Return whether a cell is a number: digits, perhaps with a sign, a point and an exponent.

    Example:
        >>> [cell for cell in ("1", "-.5e3", "1.", "1,5", "1_000", "nan", "inf", "٣", "", "0x1") if is_number(cell)]
        ['1', '-.5e3', '1.']
    """
    return _ONE.fullmatch(cell) is not None


def numbers_of(cells: Sequence[str]) -> list[float] | None:
    """Return cells as numbers; None where some are none.

    What Python takes for a number and this file does not has other letters in it, so that two quick looks are enough.

    Example:
        >>> numbers_of(["1", "-.5e3"]), numbers_of(["1", "1_000"]), numbers_of(["1", ""])
        ([1.0, -500.0], None, None)
    """
    text = _joined(cells)
    if text.count(_END) != len(cells) or _OTHER.search(text):
        return None
    try:
        return list(map(float, cells))
    except ValueError:
        return None


def has_leading_zeros(cells: Sequence[str]) -> bool:
    """Return whether some number begins with a zero that a number would lose: 01234.

    Example:
        >>> has_leading_zeros(["0", "0.5", "10"]), has_leading_zeros(["12345", "01234"])
        (False, True)
    """
    return _LEADING_ZERO.search(_joined(cells)) is not None


def is_decimal_comma(cell: str) -> bool:
    """Return whether a cell is a number with a comma for the point.

    Example:
        >>> is_decimal_comma("1,5"), is_decimal_comma("1.234,5"), is_decimal_comma("a,5")
        (True, True, False)
    """
    return _DECIMAL_COMMA.fullmatch(cell) is not None


def _joined(cells: Sequence[str]) -> str:
    return _END.join(cells) + _END if cells else ""
