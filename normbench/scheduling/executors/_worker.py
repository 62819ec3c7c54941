"""Worker: a process that makes one job after another, and the pipe between it and the command."""

import os
import signal
from multiprocessing.connection import Connection
from multiprocessing.context import BaseContext
from queue import SimpleQueue
from threading import Event, Thread
from types import FrameType
from typing import TYPE_CHECKING, Any

from normbench.scheduling.executors._pool import Message
from normbench.scheduling.executors._process_start import signals_blocked
from normbench.scheduling.interruption import SIGNALS
from normbench.scheduling.run_result import RunOptions

if TYPE_CHECKING:
    from normbench.scheduling.job import Job

STOP = "stop"


class Worker:
    """The command's side of a worker process: sends it jobs and receives messages.

    Attributes:
        job: The job that the process makes now; None while it is idle.
        connection: Becomes readable when there is a message, or when the process has ended.
        name: What to call it in a line for the user.
    """

    name = "a process of --jobs"

    def __init__(self, context: BaseContext) -> None:
        self.job: Job | None = None
        self.connection, its_end = context.Pipe()
        self._process = context.Process(target=run_jobs, args=(its_end,), daemon=True)  # type: ignore[attr-defined]
        try:
            with signals_blocked():
                self._process.start()
        except (EOFError, OSError):
            self.connection.close()
            raise
        finally:
            its_end.close()

    def send_job(self, job: "Job", options: RunOptions) -> None:
        """Send a job to make."""
        self.job = job
        self._send((job, options))

    def ask_to_stop(self) -> None:
        """Send the request to save its runs and return them as interrupted."""
        self._send(STOP)

    def receive(self) -> Message:
        """Receive a job's results, or its updates made and to make; return None if the process has ended."""
        try:
            message: Message = self.connection.recv()
        except (EOFError, OSError):
            return None
        return message

    @property
    def exit_text(self) -> str:
        """The exit code or signal of an ended process, in words."""
        code = self._process.exitcode or 0
        return f"signal {-code}" if code < 0 else f"exit code {code}"

    def send_end(self) -> None:
        """Send the request to exit after its last job."""
        self._send(None)

    def end(self, grace_s: float) -> None:
        """Wait at most ``grace_s`` seconds for the process to exit, then kill it."""
        self._process.join(grace_s)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self.connection.close()

    def _send(self, message: object) -> None:
        try:
            self.connection.send(message)
        except OSError:
            return  # the process has ended; receive() returns None


def run_jobs(connection: "Connection[Any, Any]") -> None:
    """Make the jobs that come through the pipe until None comes; the main function of a worker process."""
    from normbench.scheduling.one_job import JobMaker

    jobs: SimpleQueue[tuple[Job, RunOptions] | None] = SimpleQueue()
    stop = Event()
    _set_signal_handlers(jobs, stop)
    Thread(target=_receive_jobs, args=(connection, jobs, stop), daemon=True).start()
    maker = JobMaker(lambda _, step, total: connection.send((step, total)), stop.is_set)
    while (job := jobs.get()) is not None:
        connection.send(maker.make(*job))


def _set_signal_handlers(jobs: "SimpleQueue[Any]", stop: Event) -> None:
    """Ignore Ctrl-C, which the command passes on as a request; at SIGTERM save the runs and exit."""

    def end(number: int, _: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        stop.set()
        jobs.put(None)

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, end)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


def _receive_jobs(connection: "Connection[Any, Any]", jobs: "SimpleQueue[Any]", stop: Event) -> None:
    try:
        while True:
            message = connection.recv()
            if message == STOP:
                stop.set()
            else:
                jobs.put(message)
    finally:  # the command has ended, or sent a message that cannot be read
        os._exit(1)
