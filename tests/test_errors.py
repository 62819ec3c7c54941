"""A name that is not known: the nearest one stands before the list of all, in every message."""

import ast
from pathlib import Path

import normbench
from normbench.errors import known_names

SOURCES = sorted(Path(normbench.__file__).parent.rglob("*.py"))


def is_call(node, name):
    """Return whether an expression calls this function or method somewhere inside."""
    names = (
        getattr(one.func, "id", getattr(one.func, "attr", "")) for one in ast.walk(node) if isinstance(one, ast.Call)
    )
    return name in names


def lists_before_the_nearest(text):
    """Yield the lines of f-strings in which names are joined to a list before the nearest one is asked for."""
    for text_node in (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.JoinedStr)):
        joins = [place for place, part in enumerate(text_node.values) if is_call(part, "join")]
        asks = [place for place, part in enumerate(text_node.values) if is_call(part, "did_you_mean")]
        if joins and asks and joins[0] < asks[0]:
            yield text_node.lineno


def test_the_nearest_name_stands_before_the_list_and_the_list_may_be_cut():
    assert known_names("nrom", ["lr", "norm"], "Settings") == "Did you mean 'norm'? Settings: lr, norm."
    assert known_names("zzz", ["lr", "norm"]) == "One of: lr, norm."
    assert known_names("nrom", ["lr", "norm"], hint="Write lr.", most=1) == "Write lr. One of: lr ..."
    assert known_names("x", []) == "One of: none."


def test_a_list_before_the_nearest_name_is_found_where_there_is_one():
    assert list(lists_before_the_nearest("""f"must be one of {', '.join(known)}.{did_you_mean(word, known)}" """)) == [
        1
    ]
    assert list(lists_before_the_nearest("""f"{did_you_mean(word, known)} It has {', '.join(known)}." """)) == []


def test_no_message_lists_names_before_the_nearest_one():
    texts = {path: path.read_text(encoding="utf-8") for path in SOURCES}
    assert [path for path, text in texts.items() if "must be one of {', '.join" in text] == []
    asking = {path: text for path, text in texts.items() if "did_you_mean" in text}
    assert [(path, line) for path, text in asking.items() for line in lists_before_the_nearest(text)] == []
