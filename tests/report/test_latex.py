"""LaTeX of any text: nothing in it commands, and the rows of a table have as many cells as it has columns."""

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from latex_source import latex_mistakes

from normbench.report.blocks.block import Block, Column, Line, Table, keys
from normbench.report.pages.documents.explain import DOCUMENT
from normbench.report.pages.formats._latex_text import latex_text
from normbench.report.pages.formats.base import Result, write_result

TEXTS = st.text(
    st.sampled_from(f"{string.punctuation}{string.digits} abxe±·\N{MULTIPLICATION SIGN}“†→\n表"), max_size=12
)


def latex_of(*blocks):
    return write_result(Result(DOCUMENT, dict, lambda: [blocks]), "latex")


@settings(max_examples=80, deadline=None)
@given(texts=st.lists(TEXTS, min_size=5, max_size=5))
def test_any_text_may_stand_anywhere(texts):
    title, heading, first, second, line = texts
    table = Table([keys(title, [first]), Column(title, [second], group=title)])
    text = latex_of(Block(heading, table, [Line(line), Line(line, is_paragraph=True)]))
    assert latex_mistakes(text) == []
    assert text.count(r"\\") == 2 + bool(title)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        (r"a\b{c}", r"a\textbackslash{}b\{c\}"),
        ("norm_1 & 5 % #2 $x", r"norm\_1 \& 5\,\% \#2 \$x"),
        ("+4.2 [+1.0, +7.1]", "$+4.2$ $[+1.0, +7.1]$"),
        ("x 1.30 [1.1, inf]", r"$\times$ 1.30 $[1.1, \infty]$"),
        ("[3e-07, 1,234]", r"$[3 \times 10^{-7}, 1{,}234]$"),
        ("[a, b] seed-0 -", "{[}a, b{]} seed-0 -"),
    ],
)
def test_what_a_paper_has_as_formulas(text, written):
    assert latex_text(text) == written


def test_letters_that_pdflatex_lacks_are_told_of():
    assert "XeLaTeX" not in latex_of(Block("é ± †"))
    assert "XeLaTeX" in latex_of(Block(table=Table([keys("arm", ["表"])])))
