"""Executor: takes planned runs, gives back what became of each; found by its file."""

import os
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, Self

from normbench.errors import ConfigError
from normbench.scheduling.interruption import Interruption
from normbench.scheduling.run_result import RunOptions, RunResult
from normbench.storage.files.part_files import Parts, class_in, import_parts

if TYPE_CHECKING:
    from normbench.scheduling.planned_run import PlannedRun


class Executor(ABC):
    """Makes runs somewhere: in this process, in several, on other machines. A context manager that frees what it took.

    A file in this folder holds one of them, whose import loads no torch: the command starts its processes first.

    Args:
        interruption: Asked between steps; once it says so, runs under way are saved and come back as interrupted.

    Attributes:
        report_step: Gets a run, the updates made and those to make, a few times a second.
    """

    def __init__(self, interruption: Interruption | None = None) -> None:
        self.interruption = interruption or Interruption()
        self.report_step: Callable[[PlannedRun, int, int], None] = lambda *_: None
        self._gives_up = False

    @classmethod
    @abstractmethod
    def for_jobs(cls, jobs: str, interruption: Interruption | None = None) -> Self | None:
        """Return the executor if ``--jobs`` asks for this kind, None if for another."""

    @abstractmethod
    def run(self, runs: "Sequence[PlannedRun]", options: RunOptions | None = None) -> Iterator[RunResult]:
        """Make the runs and yield each one's result when it is done, in whatever order.

        Runs not yet begun when ``is_stopping`` turns true are left out.
        """

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Make no more runs, and free what was taken; at once if an exception ends the block."""
        self.give_up()

    @property
    def is_stopping(self) -> bool:
        """Whether no more runs are to be made."""
        return self._gives_up or self.interruption.is_asked

    def give_up(self) -> None:
        """Make no more runs; those under way are saved."""
        self._gives_up = True


def find_executors() -> dict[str, type[Executor]]:
    """Import every file of this folder and return its executor by the file's name; unfinished ones are left out."""
    return _parts().found


def unfinished_executors() -> list[str]:
    """Return a line for each file of this folder that holds no whole executor."""
    return list(_parts().unfinished.values())


@cache
def _parts() -> Parts[type[Executor]]:
    return import_parts(__name__.rpartition(".")[0], lambda module, _: class_in(module, Executor))


def make_executor(jobs: str, interruption: Interruption | None = None) -> Executor:
    """Return the executor that ``--jobs`` asks for.

    Raises:
        ConfigError: No executor understands it.
    """
    for kind in find_executors().values():
        executor = kind.for_jobs(jobs, interruption)
        if executor:
            return executor
    line = f"--jobs {jobs}: must be a whole number from 1, or auto, got {jobs!r}. Example: --jobs auto"
    raise ConfigError([line, *unfinished_executors()])


def num_jobs_of(jobs: str) -> int | None:
    """Return how many runs ``--jobs`` asks to make at the same time; None where it is neither a number nor auto.

    Example:
        >>> num_jobs_of("3"), num_jobs_of("0"), num_jobs_of("some")
        (3, None, None)
    """
    if jobs == "auto":
        return num_cores()
    return int(jobs) if re.fullmatch(r"[1-9][0-9]{0,3}", jobs) else None


def num_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
