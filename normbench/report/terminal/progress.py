"""Shows progress on stderr: bars on a terminal, an occasional line elsewhere, nothing with --quiet."""

import re
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TaskID, TextColumn
from rich.text import Text

from normbench.report.terminal.console import make_console
from normbench.report.terminal.starting import starting_text
from normbench.report.terminal.time_left import TimeLeft
from normbench.storage.run_status import RESULTS, RunStatus

FIRST_LINE_S = 300.0
"""Until the first line where no terminal is; each wait is twice the one before, so that a day's study takes nine."""


class _TimeLeftColumn(ProgressColumn):
    """Shows the field ``left_s`` of a bar as hours, minutes and seconds, or that it is not known."""

    def render(self, task: Task) -> Text:
        left_s = task.fields.get("left_s")
        text = "-:--:--" if left_s is None else str(timedelta(seconds=round(left_s)))
        return Text(text, style="progress.remaining")


class StudyProgress:
    """Shows a bar for a study's runs and one for each run under way, and prints a line for each kind of failure.

    Args:
        study: Name of the bar.
        total: Number of runs in all.
        quiet: Whether to show failures only.
        num_workers: Number of worker processes, which take a while to start; 1 for this process alone.
        console: The console to print to; by default stderr.
    """

    def __init__(
        self, study: str, total: int, *, quiet: bool = False, num_workers: int = 1, console: Console | None = None
    ) -> None:
        self.study, self.total, self.quiet = study, total, quiet
        self.console = console or make_console(stderr=True)
        description = TextColumn("{task.description}", markup=False)
        columns = (description, BarColumn(), MofNCompleteColumn(), _TimeLeftColumn())
        hidden = quiet or not self.console.is_terminal
        self._bars = Progress(
            *columns,
            console=self.console,
            transient=True,
            redirect_stdout=False,  # rich would read colours out of what others write
            redirect_stderr=False,
            disable=hidden,
        )
        self._is_starting = num_workers > 1 and total > 0
        text = f"{study}: {starting_text(num_workers)}" if self._is_starting else study
        self._all = self._bars.add_task(text, total=total)
        self._under_way: dict[str, TaskID] = {}
        self._time_left = TimeLeft()
        self._number = 0
        self._alike: dict[str, list[str]] = {}
        self._last_line = time.monotonic()
        self._wait_s = FIRST_LINE_S

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    @property
    def has_bars(self) -> bool:
        """Whether progress bars are drawn, so that other output must go through ``say``."""
        return not self._bars.disable

    def say(self, text: str) -> None:
        """Print a line above the bars."""
        self.console.print(text.strip(), soft_wrap=True)

    def __exit__(self, *_: object) -> None:
        self._bars.stop()
        for first, *more in self._alike.values():
            if more:
                runs = "1 more run" if len(more) == 1 else f"{len(more)} more runs"
                self.console.print(f"{self.study}: {runs} like {first}", soft_wrap=True)

    def step(self, labels: Sequence[str], step: int, total: int) -> None:
        """Show the number of steps that a run has made, or each run of a stack: those have one bar."""
        self._show_started()
        more = f" and {len(labels) - 1} more" if len(labels) > 1 else ""
        task = self._under_way.get(labels[0])
        if task is None:
            task = self._bars.add_task(f"  {labels[0]}{more}", total=total)
        self._under_way |= dict.fromkeys(labels, task)
        self._time_left.step(labels, step / max(1, total))
        self._bars.update(task, completed=step, left_s=self._time_left.of_run(labels[0]))
        self._show_all()

    def advance(self, number: int, label: str, status: str, error: str = "", notes: tuple[str, ...] = ()) -> None:
        """Show the status of a run, and the number of runs that are done."""
        if status != RunStatus.SKIPPED:
            self._show_started()
        self._number, self.total = number, max(self.total, number)
        self._time_left.end(label, is_made=status in RESULTS)
        task = self._under_way.pop(label, None)
        if task is not None and task not in self._under_way.values():
            self._bars.remove_task(task)
        for line in (*notes, *([f"{status}: {error}"] if error else [])):
            if status == RunStatus.FAILED or not self.quiet:
                self._tell(label, line)
        self._show_all()

    def _show_started(self) -> None:
        """Name the bar after the study alone, once a worker was heard of."""
        if self._is_starting:
            self._is_starting = False
            self._bars.update(self._all, description=self.study)

    def _tell(self, label: str, line: str) -> None:
        """Print a line on a run; of lines that differ in numbers alone the first, and at the end how many more."""
        labels = self._alike.setdefault(re.sub(r"\d+", "0", line), [])
        labels.append(label)
        if len(labels) == 1:
            self.console.print(f"{self.study} {label}: {line}", soft_wrap=True)

    def _show_all(self) -> None:
        done = self._number + self._time_left.share_under_way
        left_s = self._time_left.of_all(self.total - done)
        self._bars.update(self._all, total=self.total, completed=done, left_s=left_s)
        if not (self.quiet or self.console.is_terminal) and self._is_time_for_a_line():
            self.console.print(f"{self.study}: {self._number} of {self.total} runs{_in_words(left_s)}", soft_wrap=True)

    def _is_time_for_a_line(self) -> bool:
        now = time.monotonic()
        if now - self._last_line < self._wait_s:
            return False
        self._last_line, self._wait_s = now, 2 * self._wait_s
        return True


def _in_words(left_s: float | None) -> str:
    """Return ", about 9 min left", or "" where it is not known."""
    if left_s is None:
        return ""
    return f", about {left_s:.0f} s left" if left_s < 120 else f", about {left_s / 60:.0f} min left"
