"""One run: claimed, made, and what became of it, told in a line."""

import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from normbench.errors import RunFolderError
from normbench.storage.files.atomic import refusal
from normbench.storage.files.json_files import write_text
from normbench.storage.files.plain_text import one_line
from normbench.storage.lock import Busy, Claim, Stamp, claim
from normbench.storage.run_folder import CLAIM_JSON, ERROR_TXT, is_finished, problem_with
from normbench.study.config import RunConfig
from normbench.training.attempt import CHECKPOINT_S, Conduct, Interrupted
from normbench.training.experiment import run_experiment

AGAIN = "The same command completes it."


@dataclass(frozen=True)
class PlannedRun:
    """One arm with one seed, and where it belongs; what is outdated there is made again."""

    study: str
    arm: str
    config: RunConfig
    seed: int
    folder: Path
    outdated: Stamp | None = None

    @property
    def is_finished(self) -> bool:
        """Whether its result is there."""
        return is_finished(self.folder)

    @property
    def is_settled(self) -> bool:
        """Whether its result is there, whole, and nothing left to tidy up."""
        return self.is_finished and not (self.folder / CLAIM_JSON).exists() and not problem_with(self.folder)


@dataclass(frozen=True)
class Ended:
    """What became of a run.

    Attributes:
        run: Which.
        status: "finished", "diverged", "failed", "interrupted", "busy" (another command makes it) or "skipped"
            (another command has made it).
        error: What it failed of, in one line.
        notes: What a user should know about how it went.
    """

    run: PlannedRun
    status: str
    error: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Manner:
    """How runs are made.

    Attributes:
        force: Also those that are finished when the command begins.
        presumed_dead: Tokens of owners that have given no sign of life for long.
        checkpoint_s: Seconds between two checkpoints.
    """

    force: bool = False
    presumed_dead: frozenset[str] = frozenset()
    checkpoint_s: float = CHECKPOINT_S


@dataclass
class Maker:
    """Makes one run after another in this process.

    Attributes:
        tell: Gets the run, the updates made and those to make, a few times a second.
        should_stop: Asked after each update.
    """

    tell: Callable[[PlannedRun, int, int], None] = lambda *_: None
    should_stop: Callable[[], bool] = lambda: False
    _notes: list[str] = field(default_factory=list)

    def make(self, run: PlannedRun, manner: Manner) -> Ended:
        """Make one run; whatever it dies of is told, and the next one can be made."""
        self._notes = []
        try:
            mine = claim(run.folder, outdated=run.outdated, presumed_dead=manner.presumed_dead)
        except Busy:
            return Ended(run, "busy")
        except RunFolderError as error:
            return Ended(run, "failed", str(error))
        if mine is None:
            return Ended(run, "skipped")
        self._notes += [mine.note] if mine.note else []
        try:
            with mine:
                status, line = self._made(run, manner, mine)
        except RuntimeError as error:  # no thread for its signs of life
            status, line = "failed", said_in_a_line(error, run.folder)
        return Ended(run, status, line, tuple(self._notes))

    def _made(self, run: PlannedRun, manner: Manner, mine: Claim) -> tuple[str, str]:
        conduct = Conduct(
            owned=mine.held,
            checkpoint_s=manner.checkpoint_s,
            tell=lambda step, total: self.tell(run, step, total),
            should_stop=self.should_stop,
            note=self._notes.append,
        )
        try:
            summary = run_experiment(run.config, run.seed, run.folder, study=run.study, arm=run.arm, conduct=conduct)
        except Interrupted:
            mine.end("interrupted")
            return "interrupted", ""
        except Exception as error:  # noqa: BLE001 - whatever one run dies of, the others go on
            line = said_in_a_line(error, run.folder)
            with suppress(OSError):
                text = traceback.format_exc()
                write_text(run.folder / ERROR_TXT, text.encode("utf-8", "backslashreplace").decode())
            mine.end("failed", line)
            return "failed", line
        mine.finish()
        return str(summary["status"]), ""


def said_in_a_line(error: Exception, folder: Path) -> str:
    """Return what a run died of, and the way out where one is known."""
    if isinstance(error, RunFolderError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"{refusal(error, folder)} {AGAIN}"
    said = one_line(f"{type(error).__name__}: {error}".strip(": ").splitlines()[0])
    if isinstance(error, MemoryError) or "out of memory" in said.lower() or "can't allocate memory" in said:
        return f"{said.rstrip('.')}. Use a smaller batch_size or model, or fewer --jobs. {AGAIN}"
    return said
