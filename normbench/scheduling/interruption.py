"""Interruption: the first Ctrl-C finishes the step, saves and stops; the second stops at once."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import current_thread, main_thread
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)
"""Signals of Ctrl-C, and of a batch system before it ends a job."""
NOTICE = "\nstopping: each run finishes its step and is saved; Ctrl-C again stops now\n"


class Interruption:
    """Records whether a stop of the command was requested by a signal.

    Attributes:
        is_asked: Whether a stop was requested.
        say: Prints the notice from inside the signal handler; set while runs are made, else prints nothing.
    """

    def __init__(self) -> None:
        self.is_asked = False
        self.say: Callable[[str], None] = lambda _: None

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Set ``is_asked`` at the first signal instead of raising; the second signal has its usual effect.

        Python drops an exception that a signal handler raises inside an import or a weak reference's callback; a flag
        is never lost. Signals that the caller ignores stay ignored.
        """
        if current_thread() is not main_thread():  # only the main thread may set signal handlers
            yield
            return
        handlers = {number: signal.getsignal(number) for number in SIGNALS}
        self._before = {number: known for number, known in handlers.items() if known != signal.SIG_IGN}
        for number in self._before:
            signal.signal(number, self._ask)
        try:
            yield
        finally:
            self._restore()

    def raise_if_asked(self) -> None:
        """Raise KeyboardInterrupt if a stop was requested."""
        if self.is_asked:
            raise KeyboardInterrupt

    def _ask(self, _number: int, _frame: FrameType | None) -> None:
        self.is_asked = True
        self._restore()
        with suppress(OSError, RuntimeError, ValueError):  # the interrupted code may be in the middle of printing
            self.say(NOTICE)

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)


def write_to_stderr(text: str) -> None:
    """Write to stderr without buffers, since the interrupted code may hold their lock."""
    os.write(sys.__stderr__.fileno() if sys.__stderr__ else 2, text.encode())
