"""Writes text for LaTeX: special characters escaped, intervals, signed numbers and percents as a paper has them."""

import re

from normbench.storage.files.plain_text import one_line

_NUMBER = r"[+-]?(?:\d[\d,]*(?:\.\d*)?(?:e[+-]?\d+)?|inf)"
_FORMULAS = re.compile(
    rf"\[(?P<low>{_NUMBER}), (?P<high>{_NUMBER})\]"
    rf"|(?<![\w.])(?P<signed>[+-]{_NUMBER.removeprefix('[+-]?')})(?![\w.])"
    rf"|(?<![\w.])(?P<power>\d[\d.]*e[+-]?\d+)(?![\w.])"
    r"|(?P<times>(?<!\S)x (?=\d))"
    r"|(?P<percent>(?<=\d) %)"
    r"|(?P<relation>[<>]=)"
)
_ESCAPES = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "[": "{[}",  # behind a line break it would begin an option
    "]": "{]}",
    **{letter: f"\\{letter}" for letter in "{}$&#%_"},
    **{letter: f"${letter}$" for letter in "<>|"},
    '"': "''",
    "\N{LEFT SINGLE QUOTATION MARK}": "`",
    "\N{RIGHT SINGLE QUOTATION MARK}": "'",
    "“": "``",
    "”": "''",
    "\N{EN DASH}": "--",
    "—": "---",
    "…": r"\ldots{}",
    **{
        letter: f"${command}$"
        for letter, command in {
            "±": r"\pm",
            "\N{MULTIPLICATION SIGN}": r"\times",
            "·": r"\cdot",
            "\N{MINUS SIGN}": "-",
            "→": r"\to",
            "←": r"\leftarrow",
            "≤": r"\le",
            "≥": r"\ge",
            "≈": r"\approx",
            "≠": r"\ne",
            "∞": r"\infty",
            "†": r"\dagger",
            "‡": r"\ddagger",
        }.items()
    },
}
LAST_PLAIN = "\u017f"
"""Last letter that pdfLaTeX sets without further packages."""


def latex_text(text: str) -> str:
    r"""Return text for LaTeX.

    Example:
        >>> print(latex_text("norm_a: x 0.80 [0.71, 1,200] at 5 %"))
        norm\_a: $\times$ 0.80 $[0.71, 1{,}200]$ at 5\,\%
        >>> print(latex_text("-0.5 ± 3e-7, a & b"))
        $-0.5$ $\pm$ $3 \times 10^{-7}$, a \& b
        >>> print(latex_text("p <= 0.05"))
        p $\le$ 0.05
    """
    text = one_line(text)
    parts, end = [], 0
    for found in _FORMULAS.finditer(text):
        parts += [_escaped(text[end : found.start()]), _formula(found)]
        end = found.end()
    return "".join([*parts, _escaped(text[end:])])


def is_plain(text: str) -> bool:
    """Return whether pdfLaTeX sets all letters of a text but its comments, which it skips."""
    return all(letter <= LAST_PLAIN for line in text.split("\n") if line[:1] != "%" for letter in line)


def _formula(found: re.Match[str]) -> str:
    if found["low"]:
        return f"$[{_number(found['low'])}, {_number(found['high'])}]$"
    if found["times"]:
        return r"$\times$ "
    if found["relation"]:
        return {"<=": r"$\le$", ">=": r"$\ge$"}[found["relation"]]
    return r"\,\%" if found["percent"] else f"${_number(found['signed'] or found['power'])}$"


def _number(text: str) -> str:
    """Return a number as a formula, its thousands without a space."""
    digits, _, power = text.replace(",", "{,}").replace("inf", r"\infty").partition("e")
    return rf"{digits} \times 10^{{{int(power)}}}" if power else digits


def _escaped(text: str) -> str:
    return "".join(_ESCAPES.get(letter, letter) for letter in text)
