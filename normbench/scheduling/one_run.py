"""Makes one planned run: claims its folder, trains, and returns the result or the error as one line."""

import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from normbench.errors import RunFolderError
from normbench.scheduling.run_result import AGAIN, RunOptions, RunResult
from normbench.storage.files.atomic import os_error_line
from normbench.storage.files.json_files import write_text
from normbench.storage.files.plain_text import one_line
from normbench.storage.identity import RunIdentity
from normbench.storage.lock import RunBusy, RunClaim, Stamp, claim_run
from normbench.storage.run_folder import CLAIM_JSON, ERROR_TXT, find_damage, is_finished
from normbench.storage.run_status import RunStatus
from normbench.study.config import RunConfig
from normbench.training.attempt import Interrupted
from normbench.training.experiment import run_experiment
from normbench.training.found_result import find_mismatch
from normbench.training.run_hooks import RunHooks


@dataclass(frozen=True)
class PlannedRun:
    """One arm with one seed, and the folder of the run.

    Attributes:
        study: The study's name.
        arm: The arm's label.
        config: All settings; the device is not auto.
        seed: Seed of data, order, weights and dropout.
        folder: The run's folder.
        identity: The run's identity; a result in the folder counts only if it has the same one.
        outdated: Stamp of a result in the folder that is to be made again; None keeps an existing result.
    """

    study: str
    arm: str
    config: RunConfig
    seed: int
    folder: Path
    identity: RunIdentity
    outdated: Stamp | None = None

    @property
    def is_finished(self) -> bool:
        """Whether the folder holds a result."""
        return is_finished(self.folder)

    @property
    def is_settled(self) -> bool:
        """Whether the folder holds an undamaged result and no claim."""
        return self.is_finished and not (self.folder / CLAIM_JSON).exists() and not self.problem()

    def problem(self) -> str:
        """Return why the folder's result does not count as this run's, as a sentence; "" if it does.

        Its files must have the right sha256, its identity must be this run's, and it must have recorded all that is
        requested.
        """
        return find_damage(self.folder) or find_mismatch(self.folder, self.config, self.identity)


@dataclass
class RunMaker:
    """Makes one run after another in this process; a failed run does not stop the next.

    Attributes:
        report_step: Gets the run and the number of updates made and to make, a few times a second.
        should_stop: Called after each update; if it returns true, the run is saved and returned as interrupted.
    """

    report_step: Callable[[PlannedRun, int, int], None] = lambda *_: None
    should_stop: Callable[[], bool] = lambda: False
    _notes: list[str] = field(default_factory=list)

    def make(self, run: PlannedRun, options: RunOptions) -> RunResult:
        """Claim one run, train it and return its result; an exception becomes a failed result."""
        self._notes = []
        try:
            run_claim = claim_run(
                run.folder,
                outdated=run.outdated,
                silent_owners=options.silent_owners,
                find_problem=run.problem,
            )
        except RunBusy:
            return RunResult(run, RunStatus.BUSY)
        except RunFolderError as error:
            return RunResult(run, RunStatus.FAILED, str(error))
        if run_claim is None:
            return RunResult(run, RunStatus.SKIPPED)
        self._notes += [run_claim.note] if run_claim.note else []
        try:
            with run_claim:
                status, line = self._train(run, options, run_claim)
        except RuntimeError as error:  # the heartbeat thread could not start
            status, line = RunStatus.FAILED, error_line(error, run.folder)
        return RunResult(run, status, line, tuple(self._notes))

    def _train(self, run: PlannedRun, options: RunOptions, run_claim: RunClaim) -> tuple[RunStatus, str]:
        hooks = RunHooks(
            owned=run_claim.owned,
            checkpoint_s=options.checkpoint_s,
            report_step=lambda step, total: self.report_step(run, step, total),
            should_stop=self.should_stop,
            note=self._notes.append,
        )
        try:
            run.identity.write(run.folder.parent)
            summary = run_experiment(
                run.config,
                run.seed,
                run.folder,
                study=run.study,
                arm=run.arm,
                hooks=hooks,
                identity=run.identity,
            )
        except Interrupted:
            run_claim.end(RunStatus.INTERRUPTED)
            return RunStatus.INTERRUPTED, ""
        except Exception as error:  # noqa: BLE001 - no failure of one run may stop the others
            line = error_line(error, run.folder)
            with suppress(OSError):
                text = traceback.format_exc()
                write_text(run.folder / ERROR_TXT, text.encode("utf-8", "backslashreplace").decode())
            run_claim.end(RunStatus.FAILED, line)
            return RunStatus.FAILED, line
        run_claim.finish()
        return RunStatus(summary["status"]), ""


def error_line(error: Exception, folder: Path) -> str:
    """Return an exception as one line for the user, with a way out where one is known."""
    if isinstance(error, RunFolderError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"{os_error_line(error, folder)} {AGAIN}"
    text = one_line(f"{type(error).__name__}: {error}".strip(": ").splitlines()[0])
    if isinstance(error, MemoryError) or "out of memory" in text.lower() or "can't allocate memory" in text:
        return f"{text.rstrip('.')}. Use a smaller batch_size or model, or fewer --jobs. {AGAIN}"
    return text
