"""RunStatus: every word for how a run stands, whether read from its folder or reported by a command."""

from enum import StrEnum


class RunStatus(StrEnum):
    """How a run stands; written to files and printed as its lower-case word."""

    FINISHED = "finished"
    """Made to its last step; a result."""
    DIVERGED = "diverged"
    """Ended at a loss that is not finite; a result too."""
    FAILED = "failed"
    """Ended by an error; made again when asked for."""
    INTERRUPTED = "interrupted"
    """Stopped on request, with a checkpoint."""
    STOPPED = "stopped"
    """Ended without a word, as when its process is killed."""
    DAMAGED = "damaged"
    """Its folder cannot be read."""
    RUNNING = "running"
    """Being made by a living process."""
    BUSY = "busy"
    """Not made by this command, because another command makes it now."""
    WAITING = "waiting"
    """This command has nothing left to do but wait for another's run."""
    SKIPPED = "skipped"
    """Not made by this command, because its result is there."""

    __repr__ = str.__repr__  # error lines quote it as any other word


RESULTS = (RunStatus.FINISHED, RunStatus.DIVERGED)
"""A run in one of these is never made again."""
FOLDER_STATUSES = (
    *RESULTS,
    RunStatus.RUNNING,
    RunStatus.INTERRUPTED,
    RunStatus.FAILED,
    RunStatus.STOPPED,
    RunStatus.DAMAGED,
)
"""What a run's folder alone can say."""
