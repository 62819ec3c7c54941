"""Starts worker processes: forked from a server that has imported torch once, where the platform has one."""

import multiprocessing
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from multiprocessing.context import BaseContext

from normbench.scheduling.interruption import SIGNALS

PRELOADED = ("normbench.scheduling.executors._worker", "normbench.scheduling.one_job")


def start_context() -> BaseContext:
    """Return the context that starts processes: the server of forks, or ``spawn`` where the platform has none.

    They are never forked from this process: a fork of a torch that has computed may hang.
    """
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # read when torch is imported
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    resource_tracker.ensure_running()  # started inside the server's start, it would unblock signals
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(PRELOADED))
    return context


def start_server() -> None:
    """Start the server of forks now, so that it imports torch while this process does."""
    if start_context().get_start_method() == "forkserver":
        from multiprocessing.forkserver import ensure_running

        with signals_blocked():
            ensure_running()


@contextmanager
def signals_blocked() -> Iterator[None]:
    """Block signals inside the block; processes that are started there inherit them blocked."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
