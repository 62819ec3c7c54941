"""Job: what one process makes at a time, one run or a stack of runs that are trained as one."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # its config imports torch, which a command starts its worker processes before
    from normbench.scheduling.planned_run import PlannedRun


@dataclass(frozen=True)
class Job:
    """One run, or a stack of runs that are trained as one.

    Attributes:
        slots: The runs by their place in the stack, on which their rounding depends; None where no run is planned. A
            run alone has one slot.
        done: The folders of runs that are not to be made, such as finished ones; they keep their places.
    """

    slots: "tuple[PlannedRun | None, ...]"
    done: frozenset[Path] = frozenset()

    @property
    def runs(self) -> "list[PlannedRun]":
        """The runs to make."""
        return [run for run in self.slots if run and run.folder not in self.done]

    @property
    def is_stack(self) -> bool:
        """Whether its runs are trained as one, also if only one is left to make."""
        return len(self.slots) > 1

    @property
    def folders(self) -> tuple[Path, ...]:
        """The folders of the runs to make."""
        return tuple(run.folder for run in self.runs)

    def without(self, folders: Collection[Path]) -> "Job | None":
        """Return the job with the runs in these folders not to be made; None if none is left."""
        left = replace(self, done=self.done.union(folders).intersection(run.folder for run in self.slots if run))
        return left if left.runs else None

    def changed(self, change: "Callable[[PlannedRun], PlannedRun]") -> "Job":
        """Return the job with each run changed, in its place."""
        return replace(self, slots=tuple(run and change(run) for run in self.slots))
