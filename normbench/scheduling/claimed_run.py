"""ClaimedRun: a run whose folder this process has claimed, while it is made; its end becomes a result and files."""

import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from normbench.errors import NormbenchError
from normbench.own_code.error_lines import place_of
from normbench.scheduling.planned_run import PlannedRun
from normbench.scheduling.run_result import AGAIN, RunOptions, RunResult
from normbench.storage.files.atomic import os_error_line
from normbench.storage.files.json_files import write_text
from normbench.storage.files.plain_text import one_line
from normbench.storage.lock import RunClaim
from normbench.storage.run_folder import ERROR_TXT
from normbench.storage.run_status import RunStatus
from normbench.study.own_code import own_folder
from normbench.training.attempt import Interrupted
from normbench.training.run_hooks import RunHooks


class ClaimedRun:
    """A run whose folder this process has claimed, while it is made.

    Args:
        run: The run.
        claim: The claim on its folder.
    """

    def __init__(self, run: PlannedRun, claim: RunClaim) -> None:
        self.run, self.claim = run, claim
        self._notes = [claim.note] if claim.note else []

    def hooks(
        self, options: RunOptions, report_step: Callable[[int, int], None], should_stop: Callable[[], bool]
    ) -> RunHooks:
        """Return what its training calls."""
        return RunHooks(
            owned=self.claim.owned,
            checkpoint_s=options.checkpoint_s,
            report_step=report_step,
            should_stop=should_stop,
            note=self._notes.append,
        )

    def ended(self, outcome: Mapping[str, Any] | Exception) -> RunResult:
        """Write how training ended, by its summary or an exception, and give the folder back; return the result."""
        if isinstance(outcome, Interrupted):
            self.claim.end(RunStatus.INTERRUPTED)
            return self._result(RunStatus.INTERRUPTED)
        if isinstance(outcome, Exception):
            return self._failed(outcome)
        self.claim.finish()
        return self._result(RunStatus(outcome["status"]))

    def _failed(self, error: Exception) -> RunResult:
        line = error_line(error, self.run.folder, own_folder(self.run.config))
        with suppress(OSError):
            text = "".join(traceback.format_exception(error))
            write_text(self.run.folder / ERROR_TXT, text.encode("utf-8", "backslashreplace").decode())
        self.claim.end(RunStatus.FAILED, line)
        return self._result(RunStatus.FAILED, line)

    def _result(self, status: RunStatus, error: str = "") -> RunResult:
        return RunResult(self.run, status, error, tuple(self._notes))


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
