"""InProcess: makes one job after another in the command's own process."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Self

from normbench.scheduling.executors.base import Executor, num_jobs_of
from normbench.scheduling.interruption import Interruption
from normbench.scheduling.run_result import RunOptions, RunResult

if TYPE_CHECKING:
    from normbench.scheduling.job import Job


class InProcess(Executor):
    """Makes one job after another in this process; used for ``--jobs 1``."""

    @classmethod
    def for_jobs(cls, jobs: str, interruption: Interruption | None = None) -> Self | None:
        """Return the executor for one job."""
        return cls(interruption) if num_jobs_of(jobs) == 1 else None

    def run(self, jobs: "Sequence[Job]", options: RunOptions | None = None) -> Iterator[RunResult]:
        """Make the jobs in their order."""
        from normbench.scheduling.one_job import JobMaker

        maker = JobMaker(self.report_step, lambda: self.is_stopping)
        for job in jobs:
            if self.is_stopping:
                return
            yield from maker.make(job, options or RunOptions())
