"""Prints a study after its runs: its report or its JSON, then what failed."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from normbench.cli._format import print_result
from normbench.cli._report_page import known_page

if TYPE_CHECKING:
    from normbench.errors import RunFolderError
    from normbench.report.blocks.block import Block
    from normbench.report.pages.formats.base import Result
    from normbench.report.terminal.rows import Row
    from normbench.scheduling.nothing_to_do import AskedStudy
    from normbench.scheduling.studies import StudyRun
    from normbench.storage.choices import Choice
    from normbench.storage.finished_study import FinishedStudy, Screen
    from normbench.storage.study_folder import StudyFolder


@dataclass(frozen=True)
class ShownStudy:
    """What is shown of a study.

    Attributes:
        path: Its file, as the command names it.
        folder: Its folder.
        runs: Folder, arm, seed and status of each run that was asked for.
        choices: The choices of tuning.
        end: Why no more seeds were added, and after how many; None for a study that is not run check by check.
        page: Its HTML page; "" where there is none.
    """

    path: Path
    folder: Path
    runs: Sequence[Mapping[str, Any]]
    choices: "Sequence[Choice]"
    end: Mapping[str, Any] | None
    page: str = ""

    @property
    def arm_names(self) -> list[str]:
        """Names of the arms' folders."""
        return list(dict.fromkeys(Path(run["folder"]).parent.name for run in self.runs))


def shown_run(path: Path, run: "StudyRun") -> ShownStudy:
    """Return what is shown of a study that was run."""
    runs = [
        {"folder": str(p.run.folder), "arm": p.run.arm, "seed": p.run.seed, "status": p.status} for p in run.results
    ]
    return ShownStudy(path, run.folder, runs, list(run.choices.values()), asdict(run.end) if run.end else None)


def shown_finished(asked: "AskedStudy", study: "FinishedStudy") -> ShownStudy:
    """Return what is shown of a study of which all runs were finished before."""
    from normbench.storage.run_status import RunStatus

    runs = [
        {
            "folder": str(asked.folder / run.folder / f"seed-{run.seed}"),
            "arm": run.arm,
            "seed": run.seed,
            "status": RunStatus.SKIPPED,
        }
        for run in study.runs
    ]
    shown = ShownStudy(asked.path, asked.folder, runs, study.choices, study.end)
    return replace(shown, page=known_page(asked.folder, shown.arm_names))


@dataclass(frozen=True)
class View:
    """How studies are shown.

    Attributes:
        all_layers: Whether a long network's layers are all shown.
        details: Whether each arm's layers, parameters and CPU time are shown too.
        format_: The format that is printed instead; "" for the terminal.
    """

    all_layers: bool
    details: bool
    format_: str
    _rows: "dict[tuple[Path, int], list[Row]]" = field(default_factory=dict)

    def show(self, shown: ShownStudy, found: "StudyFolder", num_before: int) -> "Result | None":
        """Print a study's report, which with the lines printed before fits on a screen; or return it for a format."""
        from normbench.report.pages.run_page import run_result
        from normbench.report.terminal.console import make_console
        from normbench.report.terminal.rows import print_rows

        if self.format_:
            return run_result(found, shown.arm_names, shown.choices, shown.runs, shown.path, shown.end)
        print_rows(make_console(), self._report(shown, found, num_before))
        return None

    def screen(self, shown: ShownStudy, found: "StudyFolder", num_before: int) -> "Screen | None":
        """Return the report as a repetition prints it; None where it rests on more than the study's folder."""
        from normbench.storage.finished_study import Screen

        shown_as = self._shown_as(shown, num_before)
        return Screen(shown_as, self._report(shown, found, num_before)) if shown_as else None

    def show_again(self, shown: ShownStudy, screen: "Screen | None", num_before: int) -> bool:
        """Print a report as it was kept; return whether it is shown in the same way."""
        from normbench.report.terminal.console import make_console
        from normbench.report.terminal.rows import print_rows

        shown_as = self._shown_as(shown, num_before)
        if screen is None or not shown_as or screen.shown_as != shown_as:
            return False
        print_rows(make_console(), screen.rows)
        return True

    def _shown_as(self, shown: ShownStudy, num_before: int) -> dict[str, Any]:
        """Return what the lines of a report depend on beside the study's files; nothing where that cannot be told."""
        from normbench.report.terminal.console import make_console
        from normbench.storage.choices import RUNNER_UP

        if self.format_ or shown.folder.with_name(f"{shown.folder.name}{RUNNER_UP}").exists():
            return {}
        return {
            "width": make_console().width,
            "all_layers": self.all_layers,
            "details": self.details,
            "num_before": num_before,
            "folder": str(shown.folder),
            "page": shown.page,
        }

    def _report(self, shown: ShownStudy, found: "StudyFolder", num_before: int) -> "list[Row]":
        key = shown.folder, num_before
        if key not in self._rows:
            self._rows[key] = _report_rows(shown, found, num_before, all_layers=self.all_layers, details=self.details)
        return self._rows[key]


def _report_rows(
    shown: ShownStudy, found: "StudyFolder", num_before: int, *, all_layers: bool, details: bool
) -> "list[Row]":
    from normbench.report.blocks.checks import end_text
    from normbench.report.blocks.layers import LONG
    from normbench.report.blocks.run import Screen
    from normbench.report.terminal.console import make_console
    from normbench.report.terminal.render import MAX_LINES, blocks_rows, fit_blocks

    width, end = make_console().width, ""
    if shown.end:
        end = end_text(shown.end["why"], shown.end["after"], shown.end["last"])

    names, page = shown.arm_names, shown.page
    screen = Screen(found, names, shown.path, shown.choices, details=details, end=end, page=page)

    def build(max_layers: int | None) -> "list[Block]":
        return screen.blocks(None if all_layers else max_layers or LONG)

    blocks = build(None) if all_layers or details else fit_blocks(build, width, MAX_LINES - num_before)
    return blocks_rows(blocks, width)


@dataclass
class Ended:
    """What became of a command's studies: a line per failure, one per study that could not be written or read."""

    failures: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    reports: "list[Result | None]" = field(default_factory=list)


def add_failure(error: "OSError | RunFolderError", folder: Path, ended: Ended) -> None:
    """Add the reason why a study could not be shown; a closed pipe is no failure."""
    from normbench.scheduling.claimed_run import error_line
    from normbench.storage.files.atomic import os_error_line
    from normbench.storage.files.streams import STDOUT, discard_output

    if isinstance(error, BrokenPipeError):
        discard_output()
    elif isinstance(error, OSError) and error.filename == STDOUT:
        ended.broken.append(os_error_line(error, STDOUT))
    else:
        ended.failures.append(f"{folder.name}: {error_line(error, folder)}")


def print_runs(reports: "Sequence[Result]", format_: str) -> None:
    """Print the reports of studies in a format."""
    from normbench.report.pages.documents.run import DOCUMENT
    from normbench.report.pages.formats.base import joined

    print_result(joined(DOCUMENT, reports), format_)


def print_end(ended: Ended, format_: str) -> None:
    """Print all studies in a format, where one is asked for, then all failures.

    With a failure exit with code 1, or 2 if a study could not be written or read.
    """
    if format_:
        print_runs([report for report in ended.reports if report], format_)
    if ended.failures:
        typer.echo("\n".join([f"{len(ended.failures)} failed:", *ended.failures]), err=True)
    for line in ended.broken:
        typer.echo(line, err=True)
    if ended.failures or ended.broken:
        raise typer.Exit(2 if ended.broken else 1)
