"""Executor: the base class that makes jobs and yields the results of their runs; found by their files."""

import os
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, ClassVar, Self

from normbench.errors import ConfigError, known_names
from normbench.scheduling.interruption import Interruption
from normbench.scheduling.run_result import RunOptions, RunResult
from normbench.scheduling.share import read_share
from normbench.storage.files.part_files import Parts, import_parts, require_class

if TYPE_CHECKING:
    from normbench.scheduling.job import Job

AUTO = "auto"
"""The usual value of ``--executor``: jobs are made on this machine."""


class Executor(ABC):
    """Makes runs: in this process, in several, or on other machines. A context manager that frees its resources.

    Each file in this folder defines one; importing it must not load torch, since processes are started before.

    Args:
        interruption: Asked between steps; once it says so, runs under way are saved and come back as interrupted.

    Attributes:
        asked_as: The value of ``--executor`` that asks for it; among those of ``auto``, ``--jobs`` decides.
        usual_jobs: The value of ``--jobs`` where none is said.
        takes_share: Whether ``--share`` means anything to it.
        share: The value of ``--share``: what each job holds of a machine; "" for what is usual.
        num_jobs: Number of jobs made at the same time.
        num_jobs_here: How many of these are made on this machine.
        report_step: Gets a job and the number of updates made and to make, a few times a second.
        report_line: Gets a line for the user that is about no single run, such as a machine that cannot be used.
    """

    asked_as: ClassVar[str] = AUTO
    usual_jobs: ClassVar[str] = "1"
    takes_share: ClassVar[bool] = False
    share = ""
    num_jobs = 1

    def __init__(self, interruption: Interruption | None = None) -> None:
        self.interruption = interruption or Interruption()
        self.report_step: Callable[[Job, int, int], None] = lambda *_: None
        self.report_line: Callable[[str], None] = lambda _: None
        self._is_stopped = False

    @classmethod
    @abstractmethod
    def for_jobs(cls, jobs: str, interruption: Interruption | None = None) -> Self | None:
        """Return the executor if this kind handles this value of ``--jobs``, else None."""

    @abstractmethod
    def run(self, jobs: "Sequence[Job]", options: RunOptions | None = None) -> Iterator[RunResult]:
        """Make the jobs and yield the result of each run when its job is done, in any order.

        Jobs not yet begun when ``is_stopping`` turns true are left out.
        """

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Start no more runs and free all resources, at once if an exception ends the block."""
        self.stop()

    @property
    def num_jobs_here(self) -> int:
        """How many jobs are made on this machine at the same time."""
        return self.num_jobs

    @property
    def is_stopping(self) -> bool:
        """Whether no more runs may be started."""
        return self._is_stopped or self.interruption.is_asked

    def stop(self) -> None:
        """Start no more runs, and save those under way."""
        self._is_stopped = True


def find_executors() -> dict[str, type[Executor]]:
    """Import every file of this folder and return the executors by file name; unfinished files are left out."""
    return _parts().found


def unfinished_executors() -> list[str]:
    """Return a line for each file of this folder that defines no complete executor."""
    return list(_parts().unfinished.values())


@cache
def _parts() -> Parts[type[Executor]]:
    return import_parts(__name__.rpartition(".")[0], lambda module, _: require_class(module, Executor))


def make_executor(
    jobs: str | None, interruption: Interruption | None = None, asked_as: str = AUTO, share: str = ""
) -> Executor:
    """Return the executor for the values of ``--jobs``, ``--executor`` and ``--share``; by default for usual ones.

    Raises:
        ConfigError: No executor handles them.
    """
    kinds = [kind for kind in find_executors().values() if kind.asked_as == asked_as]
    _refuse_unknown(asked_as, share, kinds)
    for kind in kinds:
        executor = kind.for_jobs(kind.usual_jobs if jobs is None else jobs, interruption)
        if executor:
            executor.share = share
            return executor
    line = f"--jobs {jobs}: must be a whole number from 1, or auto, got {jobs!r}. Example: --jobs auto"
    raise ConfigError([line, *unfinished_executors()])


def _refuse_unknown(asked_as: str, share: str, kinds: Sequence[type[Executor]]) -> None:
    known = {kind.asked_as for kind in find_executors().values()}
    if not kinds:
        rule = f"must be a kind of executor, got {asked_as!r}"
        line = f"--executor {asked_as}: {rule}. {known_names(asked_as, sorted(known))}"
        raise ConfigError([line, *unfinished_executors()])
    read_share(share)
    if share and not any(kind.takes_share for kind in kinds):
        rule = "must come with an executor that shares out a cluster"
        raise ConfigError([f"--share {share}: {rule}, got --executor {asked_as}. Add --executor ray."])


def num_jobs_of(jobs: str) -> int | None:
    """Return the number of runs to make at the same time for a value of ``--jobs``; None for an invalid one.

    Example:
        >>> num_jobs_of("3"), num_jobs_of("0"), num_jobs_of("some")
        (3, None, None)
    """
    if jobs == "auto":
        return num_cores()
    return int(jobs) if re.fullmatch(r"[1-9][0-9]{0,3}", jobs) else None


def num_cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
