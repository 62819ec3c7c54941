"""Ctrl-C once: finish the step, save, stop; twice: stop now."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import current_thread, main_thread
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)
"""Ctrl-C, and what a batch system sends before it takes the machine away."""
NOTICE = "\nstopping: each run finishes its step and is saved; Ctrl-C again stops now\n"


class Interruption:
    """Whether somebody has asked the work to stop.

    Attributes:
        is_asked: They have.
        say: Tells what follows from it, from inside a signal's handler.
    """

    def __init__(self) -> None:
        self.is_asked = False
        self.say: Callable[[str], None] = _write

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take the first signal as a wish; the second does what it always does."""
        if current_thread() is not main_thread():  # only the main thread may say what signals do
            yield
            return
        self._before = {number: signal.getsignal(number) for number in SIGNALS}
        for number in SIGNALS:
            signal.signal(number, self._ask)
        try:
            yield
        finally:
            for number, handler in self._before.items():
                signal.signal(number, handler)

    def _ask(self, _number: int, _frame: FrameType | None) -> None:
        self.is_asked = True
        for number, handler in self._before.items():
            signal.signal(number, handler)
        with suppress(OSError, RuntimeError, ValueError):  # what was interrupted may be writing itself
            self.say(NOTICE)


def _write(text: str) -> None:
    os.write(sys.__stderr__.fileno() if sys.__stderr__ else 2, text.encode())
