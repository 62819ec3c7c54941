"""Worker: a process that makes one run after another, and the command's pipe to it."""

import os
import signal
from multiprocessing.connection import Connection
from multiprocessing.context import BaseContext
from queue import SimpleQueue
from threading import Event, Thread
from types import FrameType
from typing import TYPE_CHECKING, Any

from normbench.scheduling.executors._process_start import signals_held_back
from normbench.scheduling.interruption import SIGNALS
from normbench.scheduling.run_result import RunOptions, RunResult

if TYPE_CHECKING:
    from normbench.scheduling.planned_run import PlannedRun

GRACE_S = 3.0
"""How long an ended process has to go."""
STOP = "stop"


class Worker:
    """A worker process as the command sees it: is given runs, asked to stop, heard from.

    Attributes:
        run: The run it makes now; None while it is idle.
        connection: Ready to be read where it has something to say, or has died.
    """

    def __init__(self, context: BaseContext) -> None:
        self.run: PlannedRun | None = None
        self.connection, its_end = context.Pipe()
        self._process = context.Process(target=serve, args=(its_end,), daemon=True)  # type: ignore[attr-defined]
        try:
            with signals_held_back():
                self._process.start()
        except (EOFError, OSError):
            self.connection.close()
            raise
        finally:
            its_end.close()

    def give(self, run: "PlannedRun", options: RunOptions) -> None:
        """Have it make a run."""
        self.run = run
        self._send((run, options))

    def ask_to_stop(self) -> None:
        """Have it save its run and hand it back."""
        self._send(STOP)

    def hear(self) -> RunResult | tuple[int, int] | None:
        """Return what it has to say: how its run ended, or how far it is; None if it has died."""
        try:
            message: RunResult | tuple[int, int] = self.connection.recv()
        except (EOFError, OSError):
            return None
        return message

    @property
    def how_it_died(self) -> str:
        """The end of a dead process in words."""
        code = self._process.exitcode or 0
        return f"signal {-code}" if code < 0 else f"exit code {code}"

    def dismiss(self) -> None:
        """Let it go when it has nothing to make any more."""
        self._send(None)

    def end(self, grace_s: float) -> None:
        """Wait until it is gone, so long at most, then end it by force."""
        self._process.join(grace_s)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self.connection.close()

    def _send(self, message: object) -> None:
        try:
            self.connection.send(message)
        except OSError:
            return  # it has died; hear() will tell


def serve(connection: "Connection[Any, Any]") -> None:
    """Make the runs that come through the pipe until None does; a worker process does nothing else."""
    from normbench.scheduling.one_run import RunMaker

    jobs: SimpleQueue[tuple[PlannedRun, RunOptions] | None] = SimpleQueue()
    stop = Event()
    _heed_signals(jobs, stop)
    Thread(target=_listen, args=(connection, jobs, stop), daemon=True).start()
    maker = RunMaker(lambda _, step, total: connection.send((step, total)), stop.is_set)
    while (job := jobs.get()) is not None:
        connection.send(maker.make(*job))


def _heed_signals(jobs: "SimpleQueue[Any]", stop: Event) -> None:
    """Ignore Ctrl-C, which the command gets too and passes on; at SIGTERM save the run and end."""

    def end(number: int, _: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        stop.set()
        jobs.put(None)

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, end)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


def _listen(connection: "Connection[Any, Any]", jobs: "SimpleQueue[Any]", stop: Event) -> None:
    try:
        while True:
            message = connection.recv()
            if message == STOP:
                stop.set()
            else:
                jobs.put(message)
    finally:  # the command is gone, and nobody waits for this any more; or its words cannot be understood
        os._exit(1)
