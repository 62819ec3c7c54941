"""What changes a module's digest: every name and every constant, and nothing that Python does not look at."""

import io
import keyword
import tokenize

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from own_networks import NET

from normbench.own_code.syntax_digest import imported_packages, syntax_digest

CODE = f'''"""A network."""

from .blocks import Block

RATES = (0.1, 2, True, None, "a", b"b", 3j, -1)


{NET}

class Other(Net):
    """Another."""

    depth: int = 3
    """How deep."""

    async def go(self, *args, key=lambda x: x**2, **more):
        """Go."""
        with open("f") as f, torch.no_grad():
            return [f"{{x!r:>{{depth}}}}" for x in args if x > 1] + [self.depth]
'''
LINES = CODE.splitlines()
FEW = settings(max_examples=15, deadline=None)


def digest(text):
    return syntax_digest(text.encode())


def tokens():
    found = tokenize.generate_tokens(io.StringIO(CODE).readline)
    kinds = (tokenize.NAME, tokenize.NUMBER)
    return [one for one in found if one.type in kinds and one.string not in keyword.kwlist]


def inside_a_text(number):
    """Whether a line begins inside a text of several lines, where nothing may be put in."""
    found = tokenize.generate_tokens(io.StringIO(CODE).readline)
    return any(one.type == tokenize.STRING and one.start[0] < number <= one.end[0] for one in found)


@FEW
@given(st.data())
def test_comments_blank_lines_and_docstrings_change_nothing(data):
    lines = list(LINES)
    for number in data.draw(st.lists(st.integers(1, len(LINES)), max_size=6, unique=True)):
        if not inside_a_text(number):
            lines[number - 1] += data.draw(st.sampled_from(["", "  ", "  # more", "\n", "\n\n# alone", "\n    \n"]))
    text = "\n".join(lines).replace("Another.", data.draw(st.text("ab c.", min_size=1))).replace("A network.", "B")
    assert digest(text) == digest(CODE)


@FEW
@given(st.sampled_from(tokens()))
def test_every_name_and_every_number_counts(token):
    (row, start), (_, end) = token.start, token.end
    other = f"{token.string}1" if token.type == tokenize.NAME or token.string.isdigit() else "7.25"
    line = LINES[row - 1]
    changed = "\n".join([*LINES[: row - 1], line[:start] + other + line[end:], *LINES[row:]])
    assert digest(changed) != digest(CODE)


@pytest.mark.parametrize(
    "pair", [("1", "True"), ("1", "1.0"), ("0", "None"), ("'a'", "b'a'"), ("()", "[]"), ("x.a", "x.b")]
)
def test_values_that_look_alike_are_told_apart(pair):
    one, other = (digest(f"y = {text}") for text in pair)
    assert one != other


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x = 'a'", 'x = "a"'),
        ("x = u'a'", "x = 'a'"),
        ("x = (1 +\n 2)", "x = 1 + 2"),
        ("def f(): 'docs'\n", "def f():\n    'more docs'\n    'and more'\n"),
        ("", "'''docs'''"),
        ("x = 1_000", "x = 1000"),
        ("def f(a, b): pass", "def f(a, b,): pass"),
    ],
)
def test_layout_and_quotes_do_not_count(one, other):
    assert digest(one) == digest(other)


def test_the_order_of_statements_counts():
    assert digest("a = 1\nb = 2") != digest("b = 2\na = 1")


def test_what_is_no_python_counts_by_its_bytes():
    assert syntax_digest(b"\x7fELF one") != syntax_digest(b"\x7fELF two")


def test_code_in_another_encoding_is_read_as_python_does():
    text = "# -*- coding: latin-1 -*-\nx = 'é'\n"
    assert syntax_digest(text.encode("latin-1")) == digest("x = 'é'")


def test_imports_are_found_wherever_they_stand():
    text = "import numpy as np\nfrom timm.models import vit\nfrom . import near\nfrom .near import x\nimport os.path\n"
    text += "def f():\n    import einops.layers\n"
    assert imported_packages(text.encode()) == {"numpy", "timm", "einops"}
