"""A forged folder: a copy of the finished study in which up to three things are forged and all seals are right."""

import os
import shutil
import stat
from functools import cache
from pathlib import Path

from forging import archives, json_content, places, tables  # noqa: F401 - each marks its forgeries
from forging.forgery import FORGERIES
from forging.places import remove
from forging.seals import make_right
from hypothesis import strategies as st

MOST = 3
"""Forgeries of one folder; more only hide each other."""


def make_forged(draw, study):
    """Forge a copy, in the current folder, of what ``make_study`` left in another; return what was forged."""
    restore(study)
    number = draw(st.sampled_from([1, 1, 1, 2, MOST]))
    said = [draw(st.sampled_from(FORGERIES))(draw) for _ in range(number)]
    make_right()
    return [one for one in said if one]


def restore(study):
    """Make the current folder the same as another one; what is the same already stays, which saves most of the time."""
    wanted = of_study(study)
    for inside, folders, names in os.walk("."):
        for name in (*folders, *names):
            path = os.path.normpath(f"{inside}/{name}")
            if stamp(path) != wanted.get(path, "unknown"):
                remove(Path(path))
        folders[:] = [name for name in folders if os.path.normpath(f"{inside}/{name}") in wanted]
    for path, known in wanted.items():
        if not os.path.lexists(path):
            Path(path).mkdir() if known is None else shutil.copy2(study / path, path)


@cache
def of_study(study):
    """Return the stamp of everything in a folder, outer folders first."""
    found = {}
    for inside, folders, names in os.walk(study):
        for name in (*folders, *names):
            path = os.path.relpath(f"{inside}/{name}", study)
            found[path] = stamp(study / path)
    return found


def stamp(path):
    """Return by what a file is known to be unchanged; None for a folder, "" for what is neither."""
    known = os.lstat(path)
    if stat.S_ISDIR(known.st_mode):
        return None
    return (known.st_size, known.st_mtime_ns) if stat.S_ISREG(known.st_mode) else ""
