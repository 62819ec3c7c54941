"""MadeRuns: makes the runs of studies one after another, tells first what should be known, and shows each study."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from normbench.cli._after_runs import Ended, View
    from normbench.cli._asked_runs import AskedRuns
    from normbench.cli._before_runs import Told
    from normbench.scheduling.executors.base import Executor
    from normbench.scheduling.nothing_to_do import AskedStudy
    from normbench.scheduling.run_result import RunOptions
    from normbench.scheduling.studies import StudyRun, StudyRunner
    from normbench.storage.finished_study import Screen
    from normbench.study.study import Study


@dataclass(frozen=True)
class MadeRuns:
    """How the runs of a command are made and shown.

    Attributes:
        asked: The study files with the command's options.
        executor: Makes the runs.
        options: Options for making runs.
        view: How studies are shown.
        fail_fast: Whether to stop at the first failure.
        quiet: Whether no progress is shown.
    """

    asked: "AskedRuns"
    executor: "Executor"
    options: "RunOptions"
    view: "View"
    fail_fast: bool
    quiet: bool

    def make(self, asked: "Sequence[AskedStudy]") -> "Ended":
        """Make and show the missing runs of all studies."""
        from normbench.cli._torch import import_torch
        from normbench.report.terminal.starting import starting_workers

        with starting_workers(self.executor.num_jobs_here, quiet=self.quiet):
            import_torch()
        studies = self.asked.studies()
        self._refuse_too_large(studies)
        told, num_lines = self._tell(studies)
        return self._run_all(asked, studies, told, num_lines)

    def _refuse_too_large(self, studies: "list[Study]") -> None:
        from normbench.scheduling.stacks import num_together  # imports torch, where a signal may get lost
        from normbench.study.data_memory import refuse_data_beyond_memory

        refuse_data_beyond_memory(studies, self.executor.num_jobs_here, num_together)
        self.executor.interruption.raise_if_asked()

    def _tell(self, studies: "list[Study]") -> "tuple[list[Told], Mapping[str, int]]":
        """Print what should be known before; return it, and the number of lines printed for each study."""
        from normbench.cli._before_runs import print_told, unfinished_lines, what_to_tell

        told = [what_to_tell(study, self.asked.runs_dir) for study in studies]
        num_lines = print_told(told, unfinished_lines())
        self.executor.interruption.raise_if_asked()
        if not self.quiet:
            self._tell_durations(studies, num_lines)
        self.executor.interruption.raise_if_asked()
        return told, num_lines

    def _tell_durations(self, studies: "list[Study]", num_lines: dict[str, int]) -> None:
        from normbench.cli._before_runs import duration_line, print_durations

        line_of = partial(
            duration_line,
            self.asked.runs_dir,
            self.executor.num_jobs,
            force=self.options.force,
            with_runner_ups=self.asked.is_judged_again,
        )
        print_durations(studies, line_of, num_lines)

    def _runner(self) -> "StudyRunner":
        from normbench.report.terminal.progress import StudyProgress
        from normbench.scheduling.studies import StudyRunner

        display = partial(StudyProgress, quiet=self.quiet, num_workers=self.executor.num_jobs_here)
        second = self.asked.is_judged_again
        return StudyRunner(self.asked.runs_dir, self.executor, self.options, display, self.fail_fast, second)

    def _run_all(
        self,
        asked: "Sequence[AskedStudy]",
        studies: "list[Study]",
        told: "list[Told]",
        num_before: Mapping[str, int],
    ) -> "Ended":
        """Run and show one study after another; a failed one does not stop the next."""
        from normbench.cli._after_runs import Ended

        ended, runner = Ended(), self._runner()
        for one, study, known in zip(asked, studies, told, strict=True):
            run = _run_study(study, runner, ended)
            if run:
                self._show(
                    one, run, partial(_told_again, known, study, one.folder.parent), num_before[study.name], ended
                )
        return ended

    def _show(
        self, asked: "AskedStudy", run: "StudyRun", again: "Callable[[], Told]", num_lines: int, ended: "Ended"
    ) -> None:
        """Write pictures and page of a study, show it, and leave what a repetition shows."""
        from normbench.cli._after_runs import add_failure, shown_run
        from normbench.cli._report_page import write_page_after_runs
        from normbench.errors import RunFolderError
        from normbench.scheduling.study_pictures import draw_study

        shown = shown_run(asked.path, run)
        try:
            found = draw_study(run.study, run.folder, run.results, partial(typer.echo, err=True))
            shown = replace(shown, page=write_page_after_runs(found, shown.arm_names))
            ended.reports.append(self.view.show(shown, found, num_lines))
            _leave(asked, run, again(), partial(self.view.screen, shown, found))
        except (OSError, RunFolderError) as error:  # the runs are complete; the next command shows them
            add_failure(error, run.folder, ended)


def _run_study(study: "Study", runner: "StudyRunner", ended: "Ended") -> "StudyRun | None":
    """Run one study and add its failures to the lists; return None if it could not be run to its end."""
    from normbench.errors import RunFailedError, RunFolderError

    try:
        run = runner.run(study)
    except RunFolderError as error:
        ended.broken.append(str(error))
        return None
    except RunFailedError as error:
        if runner.fail_fast:
            raise
        ended.failures.append(str(error))
        return None
    ended.failures += run.failures
    return run


def _told_again(known: "Told", study: "Study", runs_dir: Path) -> "Told":
    """Return what is told where all runs are finished."""
    from normbench.cli._before_runs import texts_before_runs

    return replace(known, texts=texts_before_runs(study, runs_dir))


def _leave(asked: "AskedStudy", run: "StudyRun", again: "Told", screen: "Callable[[int], Screen | None]") -> None:
    """Leave what a repetition of this command shows, which then need not load torch."""
    from normbench.cli._before_runs import unfinished_lines
    from normbench.scheduling.leaving_finished import leave_finished

    if not (run.failures or unfinished_lines()):
        leave_finished(asked, run, again.texts, again.findings, screen(len(again.lines())))
