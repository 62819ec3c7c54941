"""RunOptions: how runs are made; RunResult: the status and error of one run."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from normbench.storage.run_status import RunStatus
from normbench.training.run_hooks import CHECKPOINT_S

if TYPE_CHECKING:  # its config imports torch, which a command starts its worker processes before
    from normbench.scheduling.planned_run import PlannedRun

AGAIN = "The same command completes it."


@dataclass(frozen=True)
class RunOptions:
    """Options for making runs.

    Attributes:
        force: Make finished runs again; their folders are renamed to seed-<n>.old-<k>.
        silent_owners: Claim tokens of processes without a sign of life for long; their runs are taken over.
        checkpoint_s: Seconds between two checkpoints.
    """

    force: bool = False
    silent_owners: frozenset[str] = frozenset()
    checkpoint_s: float = CHECKPOINT_S


@dataclass(frozen=True)
class RunResult:
    """The result of making one run.

    Attributes:
        run: The run.
        status: Finished, diverged, failed, interrupted, busy or skipped.
        error: Why it failed, in one line.
        notes: Lines for the user, such as about a damaged checkpoint.
    """

    run: "PlannedRun"
    status: RunStatus
    error: str = ""
    notes: tuple[str, ...] = ()
