"""Watches a command: which files outside it opens, how long it takes, what lies in a folder before and after."""

import os
import signal
import stat
import sys
from contextlib import contextmanager
from pathlib import Path

from forging.forgery import OUTSIDE

WATCHED = []
"""The list into which files that are opened outside are put, if any is."""


class Hangs(BaseException):
    """A command took too long; no ``except Exception`` of its own stops this."""


def contents(folder):
    """Return kind, size and time of all that lies in a folder, but for locks and timings, which reading may write."""
    found = {}
    for inside, folders, names in os.walk(folder):
        for name in (*folders, *names):
            if name not in (".lock", ".timings.json"):
                path = f"{inside}/{name}"
                known = os.lstat(path)
                more = () if stat.S_ISDIR(known.st_mode) else (known.st_size, known.st_mtime_ns)
                found[path] = (known.st_mode, *more)
    return found


def _hook(event, arguments):
    if WATCHED and event == "open" and isinstance(arguments[0], str | bytes):
        path = os.path.realpath(os.fsdecode(arguments[0]))
        if f"{os.sep}{OUTSIDE.name}{os.sep}" in path:
            WATCHED[-1].append(Path(path))


@contextmanager
def opened_outside():
    """Collect the files outside that are opened."""
    if not hasattr(_hook, "is_set"):
        _hook.is_set = True
        sys.addaudithook(_hook)  # which stays as long as the process, and does nothing outside such a block
    WATCHED.append([])
    try:
        yield WATCHED[-1]
    finally:
        WATCHED.pop()


@contextmanager
def at_most(cpu_s, wait_s):
    """Raise ``Hangs`` in the block after so many seconds of computing, or of anything."""

    def stop(number, _):
        raise Hangs("computing" if number == signal.SIGPROF else "waiting")

    timers = {signal.SIGPROF: (signal.ITIMER_PROF, cpu_s), signal.SIGALRM: (signal.ITIMER_REAL, wait_s)}
    before = {number: signal.signal(number, stop) for number in timers}
    for timer, seconds in timers.values():
        signal.setitimer(timer, seconds)
    try:
        yield
    finally:
        for number, (timer, _) in timers.items():
            signal.setitimer(timer, 0)
            signal.signal(number, before[number])
