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
    """Whether somebody has asked the command to stop.

    Attributes:
        is_asked: They have.
        say: Prints the notice from inside the signal handler; set while runs are made, nothing is printed otherwise.
    """

    def __init__(self) -> None:
        self.is_asked = False
        self.say: Callable[[str], None] = lambda _: None

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Set ``is_asked`` at the first signal instead of raising; the second does what it did before the block.

        An exception raised by a signal inside an import or a weak reference's callback is dropped by Python, and the
        signal with it; a flag is not. Signals that the caller has set to be ignored stay ignored.
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
        """Raise KeyboardInterrupt if somebody has asked to stop."""
        if self.is_asked:
            raise KeyboardInterrupt

    def _ask(self, _number: int, _frame: FrameType | None) -> None:
        self.is_asked = True
        self._restore()
        with suppress(OSError, RuntimeError, ValueError):  # the interrupted code may be printing itself
            self.say(NOTICE)

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)


def write_to_stderr(text: str) -> None:
    """Write past all buffers, which the code that a signal interrupts may hold a lock on."""
    os.write(sys.__stderr__.fileno() if sys.__stderr__ else 2, text.encode())
