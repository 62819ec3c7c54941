"""StudyRunner: tunes and runs one study after another, and reports progress to a display that it is given."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from normbench.scheduling.executors.base import Executor
from normbench.scheduling.interruption import write_to_stderr
from normbench.scheduling.ownership import refuse_another_files_folder
from normbench.scheduling.plan import make_plan, on_device
from normbench.scheduling.planned_run import PlannedRun
from normbench.scheduling.run_result import RunOptions
from normbench.scheduling.schedule import RunUpdate, run_plan
from normbench.scheduling.tuning import missing_tuning_runs, tune_study, with_choices
from normbench.storage.choices import Choice
from normbench.storage.run_status import RunStatus
from normbench.study.config import Study
from normbench.training.numerics import numerics


class ProgressDisplay(Protocol):
    """Shows how far a study's runs are; whoever calls the runner chooses where and how."""

    @property
    def has_bars(self) -> bool:
        """Whether bars are drawn, which whatever is written past them would break."""

    def say(self, text: str) -> None:
        """Print a line above the bars."""

    def step(self, label: str, step: int, total: int) -> None:
        """Note how many updates a run has made."""

    def advance(self, number: int, label: str, status: str, error: str = "", notes: tuple[str, ...] = ()) -> None:
        """Note how a run stands, and how many are done."""


@dataclass(frozen=True)
class StudyRun:
    """A study as it was run.

    Attributes:
        study: The study, with an arm for each choice.
        folder: Its folder.
        choices: The settings chosen for each tuned arm.
        results: The last update of each run.
    """

    study: Study
    folder: Path
    choices: dict[str, Choice]
    results: list[RunUpdate]

    @property
    def arm_names(self) -> list[str]:
        """Names of the arms' folders."""
        return list(dict.fromkeys(progress.run.folder.parent.name for progress in self.results))

    @property
    def failures(self) -> list[str]:
        """A line for each failed run."""
        return [f"{_label(p.run)}: {p.error}" for p in self.results if p.status == RunStatus.FAILED]


@dataclass(frozen=True)
class StudyRunner:
    """Runs studies.

    Attributes:
        runs_dir: Folder that the runs are written to.
        executor: Makes the runs.
        options: How runs are made.
        display: Makes a display for so many runs of a study, by name and number.
        fail_fast: Stop at the first failure.
    """

    runs_dir: Path
    executor: Executor
    options: RunOptions
    display: Callable[[str, int], AbstractContextManager[ProgressDisplay]]
    fail_fast: bool = False

    def run(self, given: Study) -> StudyRun:
        """Choose each arm's own settings where the study asks for it, and make what is missing.

        Raises:
            RunFailedError: A tuning run failed, or any with ``fail_fast``.
            RunFolderError: The runs folder cannot be written, holds something damaged, or belongs to another file.
            KeyboardInterrupt: Somebody asked to stop; what was under way is saved.
        """
        refuse_another_files_folder(given, self.runs_dir / given.name)
        given, _ = on_device(given, self.runs_dir)
        choices = self._tune(given) if given.tune else {}
        study = with_choices(given, choices) if choices else given
        plan = make_plan(study, self.runs_dir)
        with numerics(), self._progress(study.name, len(plan.runs), _label) as bar:
            results = run_plan(
                plan,
                options=self.options,
                fail_fast=self.fail_fast,
                executor=self.executor,
                report=lambda progress: _advance(bar, progress, _label(progress.run)),
            )
        return StudyRun(plan.study, plan.folder, choices, results)

    @contextmanager
    def _progress(self, name: str, num_runs: int, label: Callable[[PlannedRun], str]) -> Iterator[ProgressDisplay]:
        interruption = self.executor.interruption
        with self.display(name, num_runs) as bar:
            self.executor.report_step = lambda run, step, total: bar.step(label(run), step, total)
            before, interruption.say = interruption.say, bar.say if bar.has_bars else write_to_stderr
            try:
                yield bar
            finally:
                interruption.say = before

    def _tune(self, study: Study) -> dict[str, Choice]:
        missing = {run.folder for runs in missing_tuning_runs(study, self.runs_dir).values() for run in runs}
        done: set[Path] = set()
        with self._progress(f"{study.name}, tuning", len(missing), _tuning_label) as bar:

            def report(progress: RunUpdate) -> None:
                if progress.status == RunStatus.SKIPPED and progress.run.folder not in missing:
                    return  # each widening of a list begins with all that were made before
                done.update([progress.run.folder] if progress.status != RunStatus.WAITING else [])
                _advance(bar, replace(progress, number=len(done)), _tuning_label(progress.run))

            return tune_study(
                study, self.runs_dir, self.executor, report, options=self.options, fail_fast=self.fail_fast
            )


def _advance(bar: ProgressDisplay, progress: RunUpdate, label: str) -> None:
    bar.advance(progress.number, label, progress.status, progress.error, progress.notes)


def _label(run: PlannedRun) -> str:
    return f"{run.arm}, seed {run.seed}"


def _tuning_label(run: PlannedRun) -> str:
    """Tell the values that are tried for one arm and seed apart."""
    return f"{run.folder.parent.name}, seed {run.seed}"
