"""Forgery: a function that forges one thing in a copy of a study; each that is marked is found by itself."""

import os
import stat
from pathlib import Path

from hypothesis import strategies as st
from odd_values import ODD_NUMBERS, ODD_TEXT, nested

RUNS = Path("runs")
STUDY = RUNS / "forged"
OTHER = RUNS / "other"
"""The same study on other data, in which nothing is forged."""
OUTSIDE = Path("outside")
"""A copy of the study beside the runs: nothing of it may be read, changed or removed."""
MARKER = Path("exploded")
"""What appears if a file's content is executed."""
FORGERIES = []
"""Functions of ``draw`` that forge something and return what they forged."""

LONG = "<long>"
LITERALS = {"<1e400>": "1e400", "<-1e400>": "-1e400", "<many digits>": "9" * 5_000, "<deep>": "[" * 9_000 + "]" * 9_000}
"""Texts in place of which a JSON file gets what no Python value stands for."""
TEXTS = [
    *ODD_TEXT,
    "\ud800",
    "a\r\nb",
    "\x00",
    "[bold red]",
    "nan",
    "inf",
    "-inf",
    "0",
    "1e400",
    "\u0661",
    "=1+1",
    *LITERALS,
]
KEYS = ["name", "step", "arm", "seed", "value", "layers", "0", "files"]

texts = st.sampled_from(TEXTS) | st.text(st.characters(), max_size=8)
scalars = st.sampled_from([None, True, False]) | st.sampled_from(ODD_NUMBERS) | texts
keys = st.sampled_from(KEYS) | texts
values = st.one_of(
    scalars,
    scalars,
    st.sampled_from([[], {}, [[]], [{}], {"": None}, [None, 1, "x"], ["a", "a"], [0, 0], {"a": {"a": {}}}]),
    st.builds(nested, st.sampled_from([2, 20, 90]), scalars),
    st.lists(scalars, max_size=3),
    st.dictionaries(keys, scalars, max_size=2),
)


def forgery(function=None, *, weight=1):
    """Mark a function as one of the forgeries; ``weight`` is how often it is drawn, beside others."""
    if function is None:
        return lambda marked: forgery(marked, weight=weight)
    FORGERIES.extend([function] * weight)
    return function


def is_regular(path):
    """Return whether a path is a file, and no link to one."""
    return os.path.lexists(path) and stat.S_ISREG(path.lstat().st_mode)


def entries():
    """Return every file and folder of the study, sorted, following no link."""
    found = []
    for inside, folders, names in os.walk(STUDY):
        found += [f"{inside}/{name}" for name in (*folders, *names)]
    return list(map(Path, sorted(found)))


def a_file(draw, *suffixes):
    """Draw a file of the study: first its name, so that each kind is as frequent; None if there is none."""
    found = [path for path in entries() if path.name.endswith(suffixes or "") and is_regular(path)]
    if not found:
        return None
    name = draw(st.sampled_from(sorted({kind(path) for path in found})), label="name")
    return draw(st.sampled_from([path for path in found if kind(path) == name]), label="file")


def kind(path):
    """Return what a file is called in every study: choices and event files carry more in their names."""
    if path.name.startswith("events."):
        return "events"
    return "choice" if path.parent.name == "tuning" else path.name
