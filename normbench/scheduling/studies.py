"""StudyRunner: tunes and runs a study, and reports progress to a display."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from normbench.evidence.claims.decision import judge_check
from normbench.scheduling.executors.base import Executor
from normbench.scheduling.interruption import write_to_stderr
from normbench.scheduling.ownership import refuse_another_files_folder
from normbench.scheduling.plan import make_plan, on_device
from normbench.scheduling.planned_run import PlannedRun
from normbench.scheduling.planned_verdicts import checks_taken
from normbench.scheduling.run_result import RunOptions
from normbench.scheduling.runner_up_study import runner_up_study
from normbench.scheduling.schedule import RunUpdate, outdated, run_plan
from normbench.scheduling.tuning import missing_tuning_runs, tune_study, with_choices
from normbench.scheduling.until_decided import End, Judge, run_checks
from normbench.storage.choices import RUNNER_UP, Choice
from normbench.storage.run_status import RunStatus
from normbench.study.study import Study
from normbench.training.numerics import numerics


class ProgressDisplay(Protocol):
    """Shows the progress of a study's runs."""

    @property
    def has_bars(self) -> bool:
        """Whether progress bars are drawn, so that other output must go through ``say``."""

    def say(self, text: str) -> None:
        """Print a line above the bars."""

    def step(self, labels: Sequence[str], step: int, total: int) -> None:
        """Show the number of updates that a run has made, or each run of a stack."""

    def advance(self, number: int, label: str, status: str, error: str = "", notes: tuple[str, ...] = ()) -> None:
        """Show the status of a run, and the number of runs that are done."""


@dataclass(frozen=True)
class StudyRun:
    """A study after it was run.

    Attributes:
        study: The study, tuned arms included.
        folder: The study's folder.
        choices: The values that tuning chose for each arm.
        results: The last update of each run.
        runner_ups: The study of the second-best values, after it was run.
        end: Why no more seeds were added; None for a study that is not run check by check.
    """

    study: Study
    folder: Path
    choices: dict[str, Choice]
    results: list[RunUpdate]
    runner_ups: "StudyRun | None" = None
    end: End | None = None

    @property
    def arm_names(self) -> list[str]:
        """Names of the arms' folders."""
        return list(dict.fromkeys(progress.run.folder.parent.name for progress in self.results))

    @property
    def failures(self) -> list[str]:
        """A line for each failed run."""
        failed = [f"{_label(p.run)}: {p.error}" for p in self.results if p.status == RunStatus.FAILED]
        second = self.runner_ups
        return failed + ([f"{second.study.name}: {line}" for line in second.failures] if second else [])


@dataclass(frozen=True)
class StudyRunner:
    """Tunes and runs studies.

    Attributes:
        runs_dir: Folder that the runs are written to.
        executor: Makes the runs.
        options: Options for making runs.
        display: Makes a display for a study's name and its number of runs.
        fail_fast: Whether to stop at the first failure.
        with_runner_ups: Whether each tuned arm is also run at its second-best values.
        judge: Judges a study's folder at a check.
    """

    runs_dir: Path
    executor: Executor
    options: RunOptions
    display: Callable[[str, int], AbstractContextManager[ProgressDisplay]]
    fail_fast: bool = False
    with_runner_ups: bool = False
    judge: Judge = judge_check

    def run(self, given: Study) -> StudyRun:
        """Tune the study's arms if the study has a ``tune:``, and make the missing runs, also at second-best values.

        If the study asks for it, seeds are added until a check decides; second-best values then run on the same seeds.

        Raises:
            RunFailedError: A tuning run failed, or any with ``fail_fast``.
            RunFolderError: The runs folder cannot be written, holds something damaged, or belongs to another file.
            KeyboardInterrupt: A stop was requested; the runs under way are saved.
        """
        for name in [given.name, *([f"{given.name}{RUNNER_UP}"] if self.with_runner_ups else [])]:
            refuse_another_files_folder(given, self.runs_dir / name)
        given, _ = on_device(given, self.runs_dir)
        choices = self._tune(given) if given.tune else {}
        run = self._run_checked(with_choices(given, choices) if choices else given, choices)
        second = runner_up_study(given, choices) if self.with_runner_ups else None
        if second is None:
            return run
        return replace(run, runner_ups=self._run_arms(replace(second, seeds=run.study.seeds), {}))

    def _run_checked(self, study: Study, choices: dict[str, Choice]) -> StudyRun:
        """Make the missing runs of a study, check by check if it asks for it."""
        if not study.until_decided:
            return self._run_arms(study, choices)
        checks = checks_taken(study, self.runs_dir)
        run, end = run_checks(
            checks,
            make_runs=lambda count, made: self._run_arms(replace(study, seeds=study.seeds[:count]), choices, made),
            judge=lambda count: self.judge(self.runs_dir / study.name, study.seeds[:count], checks),
        )
        return replace(run, end=end)

    def _run_arms(self, study: Study, choices: dict[str, Choice], num_made: int = 0) -> StudyRun:
        """Make the missing runs of a study, of which the first seeds were made by this command."""
        plan, options = make_plan(study, self.runs_dir), self.options
        if options.force and num_made:
            added = study.seeds[num_made:]
            plan = replace(plan, runs=[outdated(run) if run.seed in added else run for run in plan.runs])
            options = replace(options, force=False)
        name = f"{study.name}, {len(study.seeds)} seeds" if study.until_decided else study.name
        with numerics(), self._progress(name, len(plan.runs), _label) as bar:
            results = run_plan(
                plan,
                options=options,
                fail_fast=self.fail_fast,
                executor=self.executor,
                report=lambda progress: _advance(bar, progress, _label(progress.run)),
            )
        return StudyRun(plan.study, plan.folder, choices, results)

    @contextmanager
    def _progress(self, name: str, num_runs: int, label: Callable[[PlannedRun], str]) -> Iterator[ProgressDisplay]:
        interruption = self.executor.interruption
        with self.display(name, num_runs) as bar:
            self.executor.report_step = lambda job, step, total: bar.step(list(map(label, job.runs)), step, total)
            self.executor.report_line = bar.say
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
    """Return a label of a tuning run, with the digits that differ between the values tried."""
    return f"{run.folder.parent.name}, seed {run.seed}"
