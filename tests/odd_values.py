"""Values, texts and numbers that nobody means, and nested settings with one of them at any place."""

PATHS = [
    "..",
    ".",
    "../../x",
    "/etc/x",
    "a/b",
    "a\\b",
    "~",
    "~root",
    "x\0y",
    "",
    " ",
    "-",
    "CON",
    "tuning",
    ".lock",
    "*",
    "[a]",
]
ODD_TEXT = [
    *PATHS,
    "a\nb: 1",
    "\x1b[31m",
    "\x9b2J",
    "\u202e",
    "\ufeff",
    "é" * 130,
    "🙂",
    "x" * 300,
    "x" * 11_000,
    "<<",
    "!!int",
    "a.b.c",
]
ODD_NUMBERS = [
    0,
    -1,
    1,
    2,
    7,
    1.5,
    -0.0,
    1e-300,
    1e308,
    2**31,
    2**53 + 1,
    2**63 - 1,
    2**63,
    -(2**63) - 1,
    10**30,
    10**4_000,
]
ODD_NUMBERS += [float("inf"), float("-inf"), float("nan"), 999_999, 100_000_000]
CHANGES = ("put", "add", "rename", "drop", "wrap")


def nested(depth, end):
    """Return a value inside so many lists and mappings."""
    for i in range(depth):
        end = [end] if i % 2 else {"norm": end}
    return end


def places(tree, at=()):
    """Every path to a value of nested mappings and lists."""
    inner = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    return [at, *(place for step, value in inner for place in places(value, (*at, step)))]


def changed(tree, place, how, key, value):
    """A copy of a tree with one change at a place: a value put there, a key added, one taken away, one renamed."""
    if place:
        copy = dict(tree) if isinstance(tree, dict) else list(tree)
        copy[place[0]] = changed(tree[place[0]], place[1:], how, key, value)
        return copy
    if isinstance(tree, dict) and how == "add":
        return tree | {key: value}
    if isinstance(tree, dict) and tree and how == "rename":
        first = next(iter(tree))
        return {key if old == first else old: inner for old, inner in tree.items()}
    if isinstance(tree, dict | list) and tree and how == "drop":
        return dict(list(tree.items())[1:]) if isinstance(tree, dict) else tree[1:]
    return [tree, value] if how == "wrap" else value
