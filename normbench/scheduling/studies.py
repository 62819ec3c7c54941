"""One study after another, tuned and run, with progress on stderr."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from normbench.report.terminal.progress import StudyProgress
from normbench.scheduling.executors.processes import Workers
from normbench.scheduling.one_run import Manner, PlannedRun
from normbench.scheduling.ownership import refuse_another_files_folder
from normbench.scheduling.plan import plan
from normbench.scheduling.schedule import Progress, run_study
from normbench.scheduling.tuning import missing_tuning_runs, tune_study, with_choices
from normbench.storage.choices import Choice
from normbench.study.config import Study


@dataclass(frozen=True)
class StudyRun:
    """A study as it was run.

    Attributes:
        study: With an arm for each choice.
        folder: Its folder.
        choices: What was chosen for each arm, where something was to be.
        results: What became of each run.
    """

    study: Study
    folder: Path
    choices: dict[str, Choice]
    results: list[Progress]

    @property
    def arm_names(self) -> list[str]:
        """``<arm>-<hash>`` of each arm."""
        return list(dict.fromkeys(progress.run.folder.parent.name for progress in self.results))

    @property
    def failures(self) -> list[str]:
        """A line for each failed run."""
        return [f"{_label(p.run)}: {p.error}" for p in self.results if p.status == "failed"]


@dataclass(frozen=True)
class StudyRunner:
    """Runs studies.

    Attributes:
        runs_dir: Where to.
        workers: Who makes the runs.
        manner: How.
        fail_fast: Stop at the first failure.
        quiet: Show no progress.
    """

    runs_dir: Path
    workers: Workers
    manner: Manner
    fail_fast: bool = False
    quiet: bool = False

    def run(self, given: Study) -> StudyRun:
        """Choose each arm's own settings where the study asks for it, and make what is missing.

        Raises:
            RunFailedError: A tuning run failed, or any with ``fail_fast``.
            RunFolderError: The runs folder cannot be written, holds something damaged, or belongs to another file.
            KeyboardInterrupt: Somebody asked to stop; what was under way is saved.
        """
        refuse_another_files_folder(given, self.runs_dir)
        choices = self._tune(given) if given.tune else {}
        study = with_choices(given, choices) if choices else given
        with self._progress(study.name, len(plan(study, self.runs_dir)), _label) as bar:
            results = run_study(
                study,
                self.runs_dir,
                manner=self.manner,
                fail_fast=self.fail_fast,
                workers=self.workers,
                report=lambda progress: _advance(bar, progress, _label(progress.run)),
            )
        return StudyRun(study, self.runs_dir / study.name, choices, results)

    @contextmanager
    def _progress(self, name: str, num_runs: int, label: Callable[[PlannedRun], str]) -> Iterator[StudyProgress]:
        interruption = self.workers.interruption
        with StudyProgress(name, num_runs, quiet=self.quiet) as bar:
            self.workers.tell = lambda run, step, total: bar.step(label(run), step, total)
            before, interruption.say = interruption.say, bar.say if bar.has_bars else interruption.say
            try:
                yield bar
            finally:
                interruption.say = before

    def _tune(self, study: Study) -> dict[str, Choice]:
        missing = {run.folder for runs in missing_tuning_runs(study, self.runs_dir).values() for run in runs}
        done: set[Path] = set()
        with self._progress(f"{study.name}, tuning", len(missing), _tuning_label) as bar:

            def report(progress: Progress) -> None:
                if progress.status == "skipped" and progress.run.folder not in missing:
                    return  # each widening of a list begins with all that were made before
                done.update([progress.run.folder] if progress.status != "waiting" else [])
                _advance(bar, replace(progress, number=len(done)), _tuning_label(progress.run))

            return tune_study(study, self.runs_dir, self.workers, report, manner=self.manner, fail_fast=self.fail_fast)


def _advance(bar: StudyProgress, progress: Progress, label: str) -> None:
    bar.advance(progress.number, label, progress.status, progress.error, progress.notes)


def _label(run: PlannedRun) -> str:
    return f"{run.arm}, seed {run.seed}"


def _tuning_label(run: PlannedRun) -> str:
    """Tell the values that are tried for one arm and seed apart."""
    return f"{run.folder.parent.name}, seed {run.seed}"
