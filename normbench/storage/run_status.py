"""RunStatus: every status of a run, whether read from its folder or reported by a command."""

from enum import StrEnum


class RunStatus(StrEnum):
    """The status of a run; written to files and printed as its lower-case word."""

    FINISHED = "finished"
    """All steps were made; a result."""
    DIVERGED = "diverged"
    """Training ended at a loss that is not finite; a result too."""
    FAILED = "failed"
    """An error ended it; the next command makes it again."""
    INTERRUPTED = "interrupted"
    """Stopped on request, with a checkpoint."""
    STOPPED = "stopped"
    """Its process ended without writing a status, as when it is killed."""
    DAMAGED = "damaged"
    """Its folder cannot be read."""
    RUNNING = "running"
    """A process makes it now."""
    BUSY = "busy"
    """Another command makes it now, so this one does not."""
    WAITING = "waiting"
    """This command only waits for the runs of another one."""
    SKIPPED = "skipped"
    """Its result was there before, so this command did not make it."""

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
"""Every status that can be read from a run's folder."""
