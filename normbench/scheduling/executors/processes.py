"""Processes: makes several jobs at the same time, each in a worker process with one thread."""

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
    from normbench.scheduling.job import Job

POLL_S = 0.2
"""Most seconds until a request to stop is noticed."""


class Processes(Executor):
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

    def run(self, jobs: "Sequence[Job]", options: RunOptions | None = None) -> Iterator[RunResult]:
        """Make the jobs and yield the result of each run when its job is done, in any order."""
        waiting, tried = deque(jobs), set[tuple[Path, ...]]()
        try:
            while waiting or self._busy_workers():
                if self.is_stopping:
                    waiting.clear()
                    self._ask_to_stop()
                yield from self._assign_jobs(waiting, options or RunOptions())
                for worker in self._ready_workers():
                    yield from self._handle_message(worker, waiting, tried)
        finally:
            self._end(self._busy_workers(), grace_s=0.0)  # the caller has stopped taking results

    def _busy_workers(self) -> list[Worker]:
        return [worker for worker in self._workers if worker.job]

    def _ask_to_stop(self) -> None:
        for worker in self._busy_workers():
            worker.ask_to_stop()

    def _assign_jobs(self, waiting: "deque[Job]", options: RunOptions) -> Iterator[RunResult]:
        """Send jobs to idle workers; yield the runs for which no process could be started as failed."""
        try:
            while waiting and not self.is_stopping and (idle := self._idle()):
                idle.send_job(waiting.popleft(), options)
        except (EOFError, OSError) as error:
            why = f"no process could be started for it ({type(error).__name__}), for want of memory or processes"
            for job in waiting:
                yield from _results(job, RunStatus.FAILED, f"{why}. Use --jobs 1. {AGAIN}")
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

    def _handle_message(
        self, worker: Worker, waiting: "deque[Job]", tried: set[tuple[Path, ...]]
    ) -> Iterator[RunResult]:
        message, job = worker.receive(), worker.job
        if isinstance(message, tuple) and job:
            self.report_step(job, *message)
        elif isinstance(message, list) and job:
            worker.job = None
            yield from self._handle_results(job, message, waiting)
        elif message is None:
            self._end([worker], GRACE_S)
            if job:
                yield from self._handle_exit(worker, job, waiting, tried)

    def _handle_results(self, job: "Job", results: list[RunResult], waiting: "deque[Job]") -> Iterator[RunResult]:
        """Yield results; put runs back into the queue whose process was ended by the system."""
        over = [result for result in results if self.is_stopping or result.status != RunStatus.INTERRUPTED]
        left = job.without({result.run.folder for result in over})
        if left:
            waiting.appendleft(left)
        yield from over

    def _handle_exit(
        self, worker: Worker, job: "Job", waiting: "deque[Job]", tried: set[tuple[Path, ...]]
    ) -> Iterator[RunResult]:
        """Put the job of an ended worker back into the queue once; the second time yield its runs as failed."""
        if self.is_stopping:
            yield from _results(job, RunStatus.INTERRUPTED)
        elif job.folders not in tried:
            tried.add(job.folders)
            waiting.appendleft(job)
        else:
            why = f"its process died twice ({worker.exit_text}), perhaps for want of memory"
            yield from _results(job, RunStatus.FAILED, f"{why}. Use fewer --jobs. {AGAIN}")

    def _end(self, workers: Sequence[Worker], grace_s: float) -> None:
        for worker in list(workers):
            worker.end(grace_s)
            self._workers.remove(worker)


def _results(job: "Job", status: RunStatus, error: str = "") -> list[RunResult]:
    return [RunResult(run, status, error) for run in job.runs]
