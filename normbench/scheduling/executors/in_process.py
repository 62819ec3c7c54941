"""InProcess: makes one run after another in the command's own process."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Self

from normbench.scheduling.executors.base import Executor, num_jobs_of
from normbench.scheduling.interruption import Interruption
from normbench.scheduling.run_result import RunOptions, RunResult

if TYPE_CHECKING:
    from normbench.scheduling.planned_run import PlannedRun


class InProcess(Executor):
    """Makes one run after another in this process; used for ``--jobs 1``."""

    @classmethod
    def for_jobs(cls, jobs: str, interruption: Interruption | None = None) -> Self | None:
        """Return the executor for one job."""
        return cls(interruption) if num_jobs_of(jobs) == 1 else None

    def run(self, runs: "Sequence[PlannedRun]", options: RunOptions | None = None) -> Iterator[RunResult]:
        """Make the runs in their order."""
        from normbench.scheduling.one_run import RunMaker

        maker = RunMaker(self.report_step, lambda: self.is_stopping)
        for run in runs:
            if self.is_stopping:
                return
            yield maker.make(run, options or RunOptions())
