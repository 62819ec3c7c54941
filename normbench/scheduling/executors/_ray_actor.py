"""JobActor: the process on a machine of a Ray cluster that makes one job after another; imports no ray."""

import os
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import cached_property
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from normbench.scheduling.executors._node_check import Answer, Question, answered
from normbench.scheduling.run_result import RunOptions, RunResult

if TYPE_CHECKING:
    from normbench.scheduling.job import Job
    from normbench.scheduling.one_job import JobMaker

Ended = tuple[Path, str, str, tuple[str, ...]]
"""Folder, status, error and notes of a run; its settings are known where it was sent from."""


class JobActor:
    """Makes jobs in a thread of its own, so that it can be asked how far they are, and to stop."""

    def __init__(self) -> None:
        os.environ["OMP_NUM_THREADS"] = "1"  # Ray sets the number of CPUs; read when torch is imported
        self._thread = ThreadPoolExecutor(max_workers=1)
        self._stop = Event()
        self._made: Future[list[RunResult]] = Future()
        self._step: tuple[int, int] | None = None

    def look(self, question: Question) -> Answer:
        """Return whether this machine can make the command's runs."""
        return answered(question)

    def make(self, job: "Job", options: RunOptions, pause_s: float) -> list[Ended] | tuple[int, int]:
        """Begin a job, and return its first news."""
        self._step = None
        self._made = self._thread.submit(self._make, job, options)
        return self.news(pause_s)

    def news(self, pause_s: float) -> list[Ended] | tuple[int, int]:
        """Return the job's results as soon as they are there, else after a pause the updates made and to make."""
        while wait([self._made], timeout=pause_s).not_done:
            if self._step:
                return self._step
        return [(result.run.folder, result.status, result.error, result.notes) for result in self._made.result()]

    def stop(self) -> None:
        """Let the runs under way be saved and returned as interrupted, for good."""
        self._stop.set()

    def _make(self, job: "Job", options: RunOptions) -> list[RunResult]:
        return self._maker.make(job, options)

    @cached_property
    def _maker(self) -> "JobMaker":
        from normbench.scheduling.one_job import JobMaker  # imports torch, once

        return JobMaker(self._report_step, self._stop.is_set)

    def _report_step(self, _: "Job", step: int, total: int) -> None:
        self._step = (step, total)
