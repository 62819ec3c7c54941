"""Pool: hands jobs to workers, processes on this machine or another, and tries once more what one of them died with."""

from abc import abstractmethod
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from normbench.scheduling.executors.base import Executor
from normbench.scheduling.interruption import Interruption
from normbench.scheduling.run_result import AGAIN, RunOptions, RunResult
from normbench.storage.run_status import RunStatus

if TYPE_CHECKING:
    from normbench.scheduling.job import Job

GRACE_S = 3.0
"""Seconds that an ended process has to exit before it is killed."""
POLL_S = 0.2
"""Most seconds until a request to stop is noticed."""
Message = list[RunResult] | tuple[int, int] | None
"""A job's results, or its updates made and to make, or None from a worker that has ended."""


class PoolWorker(Protocol):
    """A process that makes one job after another, as the command sees it."""

    job: "Job | None"
    """The job that it makes now; None while it is idle."""

    @property
    def name(self) -> str:
        """What to call it in a line for the user, such as "a process of --jobs"."""

    @property
    def exit_text(self) -> str:
        """How it ended, in words."""

    def send_job(self, job: "Job", options: RunOptions) -> None:
        """Send a job to make."""

    def ask_to_stop(self) -> None:
        """Send the request to save its runs and return them as interrupted."""

    def receive(self) -> Message:
        """Receive the next message, which is there."""

    def end(self, grace_s: float) -> None:
        """Wait at most ``grace_s`` seconds for it to exit, then kill it."""


W = TypeVar("W", bound=PoolWorker)


class Pool(Executor, Generic[W]):
    """Makes jobs in workers, each one after another; a worker that dies takes no other job with it.

    Its own job is tried once more by another worker, from its checkpoints.
    """

    def __init__(self, interruption: Interruption | None = None) -> None:
        super().__init__(interruption)
        self._workers: list[W] = []
        self._gone_owners: frozenset[str] = frozenset()
        self._deaths_told: set[str] = set()

    @abstractmethod
    def _idle(self) -> W | None:
        """Return an idle worker, started if there may be more; None if there is none now."""

    @abstractmethod
    def _ready_workers(self) -> Sequence[W]:
        """Return the workers from which there is a message; wait for one ``POLL_S`` seconds at most."""

    def _owners_gone_with(self, worker: W, job: "Job") -> frozenset[str]:
        """Return the tokens of claims that an ended worker has left, where others cannot see that it has ended."""
        return frozenset()

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

    def _busy_workers(self) -> list[W]:
        return [worker for worker in self._workers if worker.job]

    def _ask_to_stop(self) -> None:
        for worker in self._busy_workers():
            worker.ask_to_stop()

    def _assign_jobs(self, waiting: "deque[Job]", options: RunOptions) -> Iterator[RunResult]:
        """Send jobs to idle workers; yield the results of runs that cannot be made by any."""
        while waiting and not self.is_stopping and (idle := self._idle()):
            known = options.silent_owners | self._gone_owners
            idle.send_job(waiting.popleft(), replace(options, silent_owners=known))
        yield from ()

    def _handle_message(self, worker: W, waiting: "deque[Job]", tried: set[tuple[Path, ...]]) -> Iterator[RunResult]:
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
        self, worker: W, job: "Job", waiting: "deque[Job]", tried: set[tuple[Path, ...]]
    ) -> Iterator[RunResult]:
        """Put the job of an ended worker back into the queue once; the second time yield its runs as failed."""
        self._gone_owners |= self._owners_gone_with(worker, job)
        if self.is_stopping:
            yield from results_of(job, RunStatus.INTERRUPTED)
        elif job.folders not in tried:
            tried.add(job.folders)
            waiting.appendleft(job)
            self._tell_death(worker, job)
        else:
            why = f"its process died twice ({worker.exit_text}), perhaps for want of memory"
            yield from results_of(job, RunStatus.FAILED, f"{why}. Use fewer --jobs. {AGAIN}")

    def _tell_death(self, worker: W, job: "Job") -> None:
        """Tell that a worker has died, once for each way in which one ends."""
        if worker.exit_text in self._deaths_told:
            return
        self._deaths_told.add(worker.exit_text)
        again = "its run is" if len(job.runs) == 1 else f"its {len(job.runs)} runs are"
        why = f"died ({worker.exit_text}), perhaps for want of memory"
        self.report_line(f"{worker.name} {why}; {again} tried once more.")

    def _end(self, workers: Sequence[W], grace_s: float) -> None:
        for worker in list(workers):
            worker.end(grace_s)
            self._workers.remove(worker)


def results_of(job: "Job", status: RunStatus, error: str = "") -> list[RunResult]:
    """Return the same result for every run of a job."""
    return [RunResult(run, status, error) for run in job.runs]
