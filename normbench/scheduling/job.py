"""Job: what one process makes at a time, one run or a stack of runs that are trained as one."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # its config imports torch, which a command starts its worker processes before
    from normbench.scheduling.planned_run import PlannedRun


@dataclass(frozen=True)
class Job:
    """One run, or a stack of runs that are trained as one.

    Attributes:
        slots: The runs by their place in the stack, on which their rounding depends; None where a place stays idle.
            A run alone has one slot.
    """

    slots: "tuple[PlannedRun | None, ...]"

    @property
    def runs(self) -> "list[PlannedRun]":
        """The runs to make."""
        return [run for run in self.slots if run]

    @property
    def is_stack(self) -> bool:
        """Whether its runs are trained as one, also if only one is left to make."""
        return len(self.slots) > 1

    @property
    def folders(self) -> tuple[Path, ...]:
        """The folders of its runs."""
        return tuple(run.folder for run in self.runs)

    def without(self, folders: Collection[Path]) -> "Job | None":
        """Return the job with the runs in these folders left out, the others in their places; None if none is left."""
        left = tuple(None if run is None or run.folder in folders else run for run in self.slots)
        return Job(left) if any(left) else None

    def changed(self, change: "Callable[[PlannedRun], PlannedRun]") -> "Job":
        """Return the job with each run changed, in its place."""
        return Job(tuple(run and change(run) for run in self.slots))
