"""Runs handed out: one after another in this process, or to several processes of one thread each."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import wait
from pathlib import Path
from typing import Self

from normbench.scheduling.executors.process_start import start_context
from normbench.scheduling.executors.worker import GRACE_S, Worker
from normbench.scheduling.interruption import Interruption
from normbench.scheduling.one_run import AGAIN, PlannedRun, RunMaker, RunOptions, RunResult

POLL_S = 0.2
"""How long a wish to stop may wait to be noticed."""


class Workers:
    """Makes runs, ``num_jobs`` at a time; with one, in this process.

    The processes live as long as the block. One that dies, killed by the system for its memory say, takes only its
    own run with it, which is tried once more: by a new process, from its checkpoint.

    Args:
        num_jobs: Runs made at the same time.
        interruption: Whose wish stops them; what is under way is then saved and handed back as "interrupted".

    Attributes:
        report_step: Gets a run, the updates made and those to make, a few times a second.
    """

    def __init__(self, num_jobs: int = 1, interruption: Interruption | None = None) -> None:
        self.num_jobs = num_jobs
        self.interruption = interruption or Interruption()
        self.report_step: Callable[[PlannedRun, int, int], None] = lambda *_: None
        self._gives_up = False
        self._workers: list[Worker] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        for worker in self._workers:
            worker.dismiss()
        self._end(self._workers, grace_s=0.0 if kind else GRACE_S)

    @property
    def is_stopping(self) -> bool:
        """Whether no more runs are to be made."""
        return self._gives_up or self.interruption.is_asked

    def give_up(self) -> None:
        """Make no more runs; what is under way is saved."""
        self._gives_up = True

    def run(self, runs: Sequence[PlannedRun], options: RunOptions | None = None) -> Iterator[RunResult]:
        """Make the runs; each is handed back when it is done, with several processes in whatever order."""
        options = options or RunOptions()
        if self.num_jobs == 1 or (len(runs) < 2 and not self._workers):
            yield from self._run_here(runs, options)
        else:
            yield from self._run_in_processes(runs, options)

    def _run_here(self, runs: Sequence[PlannedRun], options: RunOptions) -> Iterator[RunResult]:
        maker = RunMaker(self.report_step, lambda: self.is_stopping)
        for run in runs:
            if self.is_stopping:
                return
            yield maker.make(run, options)

    def _run_in_processes(self, runs: Sequence[PlannedRun], options: RunOptions) -> Iterator[RunResult]:
        waiting, tried = deque(runs), set[Path]()
        try:
            while waiting or self._at_work():
                if self.is_stopping:
                    waiting.clear()
                    self._ask_to_stop()
                yield from self._hand_out(waiting, options)
                for worker in self._heard():
                    ended = self._hear(worker, waiting, tried)
                    if ended:
                        yield ended
        finally:
            self._end(self._at_work(), grace_s=0.0)  # where nobody takes what they make any more

    def _at_work(self) -> list[Worker]:
        return [worker for worker in self._workers if worker.run]

    def _ask_to_stop(self) -> None:
        for worker in self._at_work():
            worker.ask_to_stop()

    def _hand_out(self, waiting: deque[PlannedRun], options: RunOptions) -> Iterator[RunResult]:
        """Give runs to workers that have none; hand back as failed what no process could be started for."""
        try:
            while waiting and (idle := self._idle()):
                idle.give(waiting.popleft(), options)
        except (EOFError, OSError) as error:
            why = f"no process could be started for it ({type(error).__name__}), for want of memory or processes"
            yield from (RunResult(run, "failed", f"{why}. Use --jobs 1. {AGAIN}") for run in waiting)
            waiting.clear()

    def _idle(self) -> Worker | None:
        """Return a worker without a run, a new one if there may be more; those there are do where no more can start."""
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

    def _heard(self) -> list[Worker]:
        by_connection = {worker.connection: worker for worker in self._workers}
        return [by_connection[ready] for ready in wait(list(by_connection), POLL_S)]  # type: ignore[index]

    def _hear(self, worker: Worker, waiting: deque[PlannedRun], tried: set[Path]) -> RunResult | None:
        message, run = worker.hear(), worker.run
        if isinstance(message, tuple) and run:
            self.report_step(run, *message)
        elif isinstance(message, RunResult):
            worker.run = None
            if message.status == "interrupted" and not self.is_stopping:  # the system has asked its process to end
                waiting.appendleft(message.run)
                return None
            return message
        elif message is None:
            self._end([worker], GRACE_S)
            return self._died(worker, run, waiting, tried) if run else None
        return None

    def _died(self, worker: Worker, run: PlannedRun, waiting: deque[PlannedRun], tried: set[Path]) -> RunResult | None:
        if self.is_stopping:
            return RunResult(run, "interrupted")
        if run.folder not in tried:
            tried.add(run.folder)
            waiting.appendleft(run)
            return None
        why = f"its process died twice ({worker.how_it_died}), perhaps for want of memory"
        return RunResult(run, "failed", f"{why}. Use fewer --jobs. {AGAIN}")

    def _end(self, workers: Sequence[Worker], grace_s: float) -> None:
        for worker in list(workers):
            worker.end(grace_s)
            self._workers.remove(worker)
