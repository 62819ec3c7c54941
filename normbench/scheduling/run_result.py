"""How runs are asked for and what became of each: RunOptions and RunResult."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from normbench.storage.run_status import RunStatus
from normbench.training.run_hooks import CHECKPOINT_S

if TYPE_CHECKING:  # its config imports torch, which a command starts its worker processes before
    from normbench.scheduling.planned_run import PlannedRun

AGAIN = "The same command completes it."


@dataclass(frozen=True)
class RunOptions:
    """How runs are made.

    Attributes:
        force: Make finished runs again; their folders are set aside.
        silent_owners: Claim tokens of processes without a sign of life for long; their runs are taken over.
        checkpoint_s: Seconds between two checkpoints.
    """

    force: bool = False
    silent_owners: frozenset[str] = frozenset()
    checkpoint_s: float = CHECKPOINT_S


@dataclass(frozen=True)
class RunResult:
    """What became of one run.

    Attributes:
        run: The run.
        status: Finished, diverged, failed, interrupted, busy or skipped.
        error: Why it failed, in one line.
        notes: Lines for the user about how it went.
    """

    run: "PlannedRun"
    status: RunStatus
    error: str = ""
    notes: tuple[str, ...] = ()
