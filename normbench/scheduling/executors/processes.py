"""Processes: makes several runs at the same time, each in a worker process with one thread."""

from collections import deque
from collections.abc import Iterator, Sequence
from multiprocessing.connection import wait
from pathlib import Path
from typing import TYPE_CHECKING, Self

from normbench.scheduling.executors._process_start import start_context, start_server
from normbench.scheduling.executors._worker import GRACE_S, Worker
from normbench.scheduling.executors.base import Executor, num_jobs_of
from normbench.scheduling.interruption import Interruption
from normbench.scheduling.run_result import AGAIN, RunOptions, RunResult
from normbench.storage.run_status import RunStatus

if TYPE_CHECKING:
    from normbench.scheduling.planned_run import PlannedRun

POLL_S = 0.2
"""Most seconds until a request to stop is noticed."""


class Processes(Executor):
    """Makes runs in worker processes, ``num_jobs`` at a time; used for ``--jobs`` from 2.

    The processes exit at the end of the block. If one is killed, such as by the system for its memory, only its own run
    is affected, and is tried once more by a new process, from its checkpoint.

    Args:
        num_jobs: Number of runs made at the same time.
        interruption: Asked between steps; once it says so, runs under way are saved and come back as interrupted.
    """

    def __init__(self, num_jobs: int, interruption: Interruption | None = None) -> None:
        super().__init__(interruption)
        self.num_jobs = num_jobs
        self._workers: list[Worker] = []

    @classmethod
    def for_jobs(cls, jobs: str, interruption: Interruption | None = None) -> Self | None:
        """Return the executor for two jobs or more."""
        num_jobs = num_jobs_of(jobs) or 0
        return cls(num_jobs, interruption) if num_jobs > 1 else None

    def __enter__(self) -> Self:
        """Start the server of worker processes, which imports torch while the command does."""
        start_server()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """End the processes, by force if an exception ends the block."""
        super().__exit__(kind)
        for worker in self._workers:
            worker.send_end()
        self._end(self._workers, grace_s=0.0 if kind else GRACE_S)

    def run(self, runs: "Sequence[PlannedRun]", options: RunOptions | None = None) -> Iterator[RunResult]:
        """Make the runs and yield the result of each when it is done, in any order."""
        waiting, tried = deque(runs), set[Path]()
        try:
            while waiting or self._busy_workers():
                if self.is_stopping:
                    waiting.clear()
                    self._ask_to_stop()
                yield from self._assign_runs(waiting, options or RunOptions())
                for worker in self._ready_workers():
                    result = self._handle_message(worker, waiting, tried)
                    if result:
                        yield result
        finally:
            self._end(self._busy_workers(), grace_s=0.0)  # the caller has stopped taking results

    def _busy_workers(self) -> list[Worker]:
        return [worker for worker in self._workers if worker.run]

    def _ask_to_stop(self) -> None:
        for worker in self._busy_workers():
            worker.ask_to_stop()

    def _assign_runs(self, waiting: "deque[PlannedRun]", options: RunOptions) -> Iterator[RunResult]:
        """Send runs to idle workers; yield those for which no process could be started as failed."""
        try:
            while waiting and not self.is_stopping and (idle := self._idle()):
                idle.send_run(waiting.popleft(), options)
        except (EOFError, OSError) as error:
            why = f"no process could be started for it ({type(error).__name__}), for want of memory or processes"
            yield from (RunResult(run, RunStatus.FAILED, f"{why}. Use --jobs 1. {AGAIN}") for run in waiting)
            waiting.clear()

    def _idle(self) -> Worker | None:
        """Return an idle worker, started if there may be more; None if all are busy or no process can start."""
        for worker in self._workers:
            if worker.run is None:
                return worker
        if len(self._workers) == self.num_jobs:
            return None
        try:
            self._workers.append(Worker(start_context()))
        except (EOFError, OSError):
            if not self._workers:
                raise
            self.num_jobs = len(self._workers)
            return None
        return self._workers[-1]

    def _ready_workers(self) -> list[Worker]:
        by_connection = {worker.connection: worker for worker in self._workers}
        return [by_connection[ready] for ready in wait(list(by_connection), POLL_S)]  # type: ignore[index]

    def _handle_message(self, worker: Worker, waiting: "deque[PlannedRun]", tried: set[Path]) -> RunResult | None:
        message, run = worker.receive(), worker.run
        if isinstance(message, tuple) and run:
            self.report_step(run, *message)
        elif isinstance(message, RunResult):
            worker.run = None
            if message.status == RunStatus.INTERRUPTED and not self.is_stopping:  # the system has ended its process
                waiting.appendleft(message.run)
                return None
            return message
        elif message is None:
            self._end([worker], GRACE_S)
            return self._handle_exit(worker, run, waiting, tried) if run else None
        return None

    def _handle_exit(
        self, worker: Worker, run: "PlannedRun", waiting: "deque[PlannedRun]", tried: set[Path]
    ) -> RunResult | None:
        """Put the run of an ended worker back into the queue once; the second time return it as failed."""
        if self.is_stopping:
            return RunResult(run, RunStatus.INTERRUPTED)
        if run.folder not in tried:
            tried.add(run.folder)
            waiting.appendleft(run)
            return None
        why = f"its process died twice ({worker.exit_text}), perhaps for want of memory"
        return RunResult(run, RunStatus.FAILED, f"{why}. Use fewer --jobs. {AGAIN}")

    def _end(self, workers: Sequence[Worker], grace_s: float) -> None:
        for worker in list(workers):
            worker.end(grace_s)
            self._workers.remove(worker)
