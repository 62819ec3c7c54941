"""Imports torch for the commands that need it, in the quickest way."""

import atexit
import gc
import sys


def import_torch() -> None:
    """Import torch once, with the search for garbage put off, and keep what it made out of every later search.

    Its import makes over half a million objects that stay; looking through them again and again, and once more where
    the process ends, would take 0.4 of 1.5 CPU-seconds.
    """
    if "torch" in sys.modules:
        return
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        import torch  # noqa: F401
    finally:
        gc.freeze()
        if was_enabled:
            gc.enable()
    atexit.register(gc.freeze)
