"""AskedRuns: the study files that a command runs with its options; reads them, all mistakes at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from normbench.scheduling.nothing_to_do import AskedStudy
    from normbench.study.study import Study


@dataclass(frozen=True)
class AskedRuns:
    """What a command asks for.

    Attributes:
        configs: The study files.
        runs_dir: Folder that the runs are written to.
        changes: What options change of each study.
        quick: Whether few seeds and steps are made.
        is_judged_again: Whether tuned arms are run at their second-best values too.
        seeds_again: Of a second run the number of seeds of each study; else empty.
    """

    configs: Sequence[Path]
    runs_dir: Path
    changes: Mapping[str, Any]
    quick: bool
    is_judged_again: bool
    seeds_again: Mapping[Path, int]

    def without_torch(self, jobs: str) -> "list[AskedStudy]":
        """Return what is asked of each file, by which it is found out that nothing is left to do."""
        from normbench.scheduling.nothing_to_do import read_asked

        options = {"quick": self.quick, "second_run": bool(self.seeds_again), "jobs": jobs}
        return read_asked(self.configs, self.runs_dir, {**self.changes, **options})

    def studies(self) -> "list[Study]":
        """Read the study files, and choose device and engine of each study.

        Raises:
            ConfigError: A line for each mistake in all files.
        """
        from normbench.cli._torch import import_torch
        from normbench.errors import ConfigError

        import_torch()
        given: list[Study] = []
        studies: list[Study] = []
        complaints: list[str] = []
        for path in self.configs:
            try:
                given.append(self._load(path))
                studies.append(self._as_run(path, given[-1]))
            except ConfigError as error:
                complaints += error.complaints
        if complaints:
            raise ConfigError(complaints)
        self._check(given)
        return studies

    def _load(self, path: Path) -> "Study":
        from normbench.study.load import load_study

        return load_study(path, **self.changes)

    def _as_run(self, path: Path, study: "Study") -> "Study":
        from normbench.scheduling.plan import on_device
        from normbench.scheduling.quick_study import quick_study
        from normbench.scheduling.second_study import second_study

        study = quick_study(study) if self.quick else study
        study = second_study(study, self.seeds_again[path]) if self.seeds_again else study
        return on_device(study, self.runs_dir)[0]

    def _check(self, given: "list[Study]") -> None:
        from normbench.study.options import refuse_untuned

        if self.is_judged_again:
            refuse_untuned(given, quick=self.quick)
        for study in given if self.quick else ():
            say_quick(study.name)


def say_quick(name: str) -> None:
    """Say that a study's runs are no evidence."""
    typer.echo(f"{name}: 2 seeds, a tenth of the steps, nothing tuned. This is no evidence.", err=True)
