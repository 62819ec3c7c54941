"""Lets Python look for garbage seldom while a command reads very many files, which leaves little of it."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

READING = frozenset({"claims", "compare", "list", "report"})
"""Commands that only read; training needs its garbage collected as ever."""
THRESHOLDS = (50_000, 20, 20)
"""Objects more than before, and collections, after which the next generation is looked at; by default 700, 10, 10."""


@contextmanager
def collected_seldom() -> Iterator[None]:
    """Look for garbage seldom inside the block, and not among what was there before: a tenth of the time is saved."""
    kept = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
    try:
        yield
    finally:
        gc.set_threshold(*kept)
        gc.unfreeze()
