"""Processes: makes several jobs at the same time, each in a worker process with one thread."""

from collections import deque
from collections.abc import Iterator
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Self

from normbench.scheduling.executors._pool import GRACE_S, POLL_S, Pool, results_of
from normbench.scheduling.executors._process_start import start_context, start_server
from normbench.scheduling.executors._worker import Worker
from normbench.scheduling.executors.base import num_jobs_of
from normbench.scheduling.interruption import Interruption
from normbench.scheduling.run_result import AGAIN, RunOptions, RunResult
from normbench.storage.run_status import RunStatus

if TYPE_CHECKING:
    from normbench.scheduling.job import Job


class Processes(Pool[Worker]):
    """Makes jobs in worker processes, ``num_jobs`` at a time; used for ``--jobs`` from 2.

    The processes exit at the end of the block. If one is killed, such as by the system for its memory, only its own job
    is affected, and is tried once more by a new process, from its checkpoints.

    Args:
        num_jobs: Number of jobs made at the same time.
        interruption: Asked between steps; once it says so, runs under way are saved and come back as interrupted.
    """

    def __init__(self, num_jobs: int, interruption: Interruption | None = None) -> None:
        super().__init__(interruption)
        self.num_jobs = num_jobs

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

    def _assign_jobs(self, waiting: "deque[Job]", options: RunOptions) -> Iterator[RunResult]:
        """Send jobs to idle workers; yield the runs for which no process could be started as failed."""
        try:
            yield from super()._assign_jobs(waiting, options)
        except (EOFError, OSError) as error:
            why = f"no process could be started for it ({type(error).__name__}), for want of memory or processes"
            for job in waiting:
                yield from results_of(job, RunStatus.FAILED, f"{why}. Use --jobs 1. {AGAIN}")
            waiting.clear()

    def _idle(self) -> Worker | None:
        """Return an idle worker, started if there may be more; None if all are busy or no process can start."""
        for worker in self._workers:
            if worker.job is None:
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
