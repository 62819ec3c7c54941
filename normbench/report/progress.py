"""What is running, on stderr: a bar on a terminal, plain lines elsewhere."""

import time
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from normbench.report.tables import make_console

SECONDS_BETWEEN_LINES = 10.0


class StudyProgress:
    """Counts finished runs. Every failure gets a line of its own at once.

    Args:
        study: Name for the bar.
        total: Runs in all.
    """

    def __init__(self, study: str, total: int, console: Console | None = None) -> None:
        self.study, self.total = study, total
        self.console = console or make_console(stderr=True)
        description = TextColumn("{task.description}", markup=False)
        columns = (description, BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._bar = Progress(
            *columns,
            console=self.console,
            transient=True,
            redirect_stdout=False,  # rich would read colours out of what others write
            redirect_stderr=False,
            disable=not self.console.is_terminal,
        )
        self._task = self._bar.add_task(study, total=total)
        self._last_line = time.monotonic()

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def advance(self, number: int, label: str, status: str, error: str = "") -> None:
        """Note one more run."""
        self.total = max(self.total, number)
        self._bar.update(self._task, total=self.total, completed=number, description=f"{self.study} {label}")
        if error:
            self.console.print(f"{self.study} {label}: {status}: {error}", soft_wrap=True)
        elif not self.console.is_terminal and self._is_time_for_a_line():
            self.console.print(f"{self.study}: {number} of {self.total} runs, {label} {status}", soft_wrap=True)

    def _is_time_for_a_line(self) -> bool:
        now = time.monotonic()
        if now - self._last_line < SECONDS_BETWEEN_LINES:
            return False
        self._last_line = now
        return True
