"""Makes one planned run: claims its folder, trains, and returns the result or the error as one line."""

import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from normbench.errors import NormbenchError, RunFolderError
from normbench.own_code.error_lines import place_of
from normbench.scheduling.planned_run import PlannedRun
from normbench.scheduling.run_result import AGAIN, RunOptions, RunResult
from normbench.storage.files.atomic import os_error_line
from normbench.storage.files.json_files import write_text
from normbench.storage.files.plain_text import one_line
from normbench.storage.lock import RunBusy, RunClaim, claim_run
from normbench.storage.run_folder import ERROR_TXT
from normbench.storage.run_status import RunStatus
from normbench.study.own_code import own_folder
from normbench.training.attempt import Interrupted
from normbench.training.experiment import run_experiment
from normbench.training.run_hooks import RunHooks


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
                code=run.code,
            )
        except Interrupted:
            run_claim.end(RunStatus.INTERRUPTED)
            return RunStatus.INTERRUPTED, ""
        except Exception as error:  # noqa: BLE001 - no failure of one run may stop the others
            line = error_line(error, run.folder, own_folder(run.config))
            with suppress(OSError):
                text = traceback.format_exc()
                write_text(run.folder / ERROR_TXT, text.encode("utf-8", "backslashreplace").decode())
            run_claim.end(RunStatus.FAILED, line)
            return RunStatus.FAILED, line
        run_claim.finish()
        return RunStatus(summary["status"]), ""


def error_line(error: Exception, folder: Path, code: Path | None = None) -> str:
    """Return an exception as one line for the user, with a way out where one is known.

    Args:
        error: What ended the run.
        folder: The run's folder.
        code: The folder of the user's own code, whose last line that ran is told; None without such code.
    """
    if isinstance(error, NormbenchError):
        return str(error).splitlines()[0]
    if isinstance(error, OSError) and error.strerror:
        return f"{os_error_line(error, folder)} {AGAIN}"
    text = one_line(f"{place_of(error, code)}{type(error).__name__}: {error}".strip(": ").splitlines()[0])
    if isinstance(error, MemoryError) or "out of memory" in text.lower() or "can't allocate memory" in text:
        return f"{text.rstrip('.')}. Use a smaller batch_size or model, or fewer --jobs. {AGAIN}"
    return text
