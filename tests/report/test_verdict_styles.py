"""Verdicts on a terminal have colours and stay words; elsewhere, and with NO_COLOR, they are plain."""

from io import StringIO

import pytest
from rich.console import Console

from normbench.evidence.claims.words import CANNOT_TELL, HOLDS, OPPOSITE, SMALLER
from normbench.report.blocks.block import Block, Line, Table, keys, words
from normbench.report.terminal.render import print_blocks
from normbench.report.terminal.rows import STYLES, style_of_verdict

CODES = {HOLDS: "32", OPPOSITE: "31", SMALLER: "33", CANNOT_TELL: "2", "better": "32", "worse": "31"}


def printed(**options):
    console = Console(file=StringIO(), width=60, **options)
    told = words("verdict", [f"{word}, and on average" for word in CODES], what="verdict_word")
    claims = [Line("holds it?", f"C1    {word.upper():11}", verdict=word) for word in CODES]
    print_blocks(console, [Block(table=Table([keys("arm", list("abcdef")), told]), lines=claims)])
    return console.file.getvalue()


def plain_text():
    return printed(force_terminal=False)


@pytest.mark.parametrize("word", CODES)
def test_a_verdict_has_the_colour_of_what_it_says(word):
    text = printed(force_terminal=True, color_system="standard", no_color=False)
    assert f"\x1b[{CODES[word]}m{word}, and on average\x1b[0m" in text
    assert f"C1    \x1b[{CODES[word]}m{word.upper()}\x1b[0m" in text


def test_words_are_the_same_without_colours():
    without = printed(force_terminal=True, color_system="standard", no_color=True)
    assert without.replace("\x1b[1m", "").replace("\x1b[0m", "") == plain_text()
    assert "\x1b" not in plain_text()


def test_what_names_a_side_that_is_neither_good_nor_bad_stays_plain():
    assert [style_of_verdict(word) for word in ("higher", "falls", "depends on the task", "")] == [""] * 4
    assert {style_of_verdict(word) for word in CODES} <= set(STYLES)
