"""Many runs, one after another: what is finished is skipped, what is missing is run."""

import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from normbench.errors import RunFolderError
from normbench.evidence.run_folder import (
    ARM_JSON,
    CONFIG_YAML,
    STUDY_JSON,
    claim,
    is_finished,
    seed_folder,
    write_json,
)
from normbench.study import RunConfig, Study
from normbench.training.experiment import flat_settings, flatten, run_experiment


@dataclass(frozen=True)
class PlannedRun:
    """One arm with one seed, and where it belongs."""

    study: str
    arm: str
    config: RunConfig
    seed: int
    folder: Path

    @property
    def is_finished(self) -> bool:
        """Whether its result is there."""
        return is_finished(self.folder)


@dataclass(frozen=True)
class Progress:
    """What happened to one run: "skipped", "finished", "diverged" or "failed"."""

    run: PlannedRun
    status: str
    number: int
    total: int
    error: str = ""


def plan(study: Study, runs_dir: Path) -> list[PlannedRun]:
    """Return all runs of a study, seed by seed, so that arms can be compared early and share their data."""
    hashes = {arm: config.hash() for arm, config in study.arms.items()}
    names = {arm: _name_in_use(study, runs_dir, arm, hashes[arm]) for arm in study.arms}
    return [
        PlannedRun(
            study.name, names[arm], config, seed, seed_folder(runs_dir, study.name, names[arm], hashes[arm], seed)
        )
        for seed in study.seeds
        for arm, config in study.arms.items()
    ]


def _name_in_use(study: Study, runs_dir: Path, arm: str, arm_hash: str) -> str:
    """Return what these settings are already called in a file without arms: a later --vary adds seeds, not rows."""
    known = sorted((runs_dir / study.name).glob(f"*-{arm_hash}")) if study.is_plain else []
    return known[0].name.removesuffix(f"-{arm_hash}") if known else arm


def run_study(
    study: Study, runs_dir: Path, *, force: bool = False, report: Callable[[Progress], None] = lambda _: None
) -> list[Progress]:
    """Run what is missing of a study; one failing run does not stop the others.

    Raises:
        RunFolderError: The runs folder cannot be written.
    """
    runs = plan(study, runs_dir)
    results = []
    try:
        _write_study_files(study, runs_dir, runs)
    except OSError as error:
        rule = "must be a folder this user may write"
        raise RunFolderError(f"{runs_dir}: {rule}, got: {error.strerror}. Choose another with --runs-dir.") from None
    for progress in _run_each(runs, force=force):
        report(progress)
        results.append(progress)
    return results


def _run_each(runs: list[PlannedRun], *, force: bool) -> Iterator[Progress]:
    for number, run in enumerate(runs, start=1):
        if run.is_finished and not force:
            yield Progress(run, "skipped", number, len(runs))
            continue
        claim(run.folder, force=force)
        try:
            summary = run_experiment(run.config, run.seed, run.folder, study=run.study, arm=run.arm)
        except Exception as error:  # noqa: BLE001 - whatever one run dies of, the others go on
            (run.folder / "error.txt").write_text(traceback.format_exc(), encoding="utf-8")
            text = f"{type(error).__name__}: {error}".splitlines()[0]
            yield Progress(run, "failed", number, len(runs), text)
        else:
            yield Progress(run, str(summary["status"]), number, len(runs))


def _write_study_files(study: Study, runs_dir: Path, runs: list[PlannedRun]) -> None:
    for run in runs:
        folder = run.folder.parent
        if run.seed == study.seeds[0] and not (folder / ARM_JSON).is_file():
            folder.mkdir(parents=True, exist_ok=True)
            write_json(folder / ARM_JSON, arm_content(run.arm, run.config))
    path = runs_dir / study.name / STUDY_JSON
    content = study_content(study)
    if not _is_run_of(content, path):
        write_json(path, content)


def arm_content(arm: str, config: RunConfig) -> dict[str, Any]:
    """Return what arm.json says: every setting, and which of them are not at their default."""
    return {
        "arm": arm,
        "hash": config.hash(),
        "settings": flat_settings(config),
        "changed": list(flatten(config.settings())),
    }


def study_content(study: Study) -> dict[str, Any]:
    """Return what study.json says: the arms in order with their hashes, the baseline, quotes."""
    return {
        "study": study.name,
        "question": study.question,
        "source": study.source,
        "set": list(study.set_),
        "arms": [{"arm": arm, "hash": config.hash()} for arm, config in study.arms.items()],
        "baseline": study.baseline,
        "is_plain": study.is_plain,
        "quotes": dict(study.quotes),
    }


def _is_run_of(content: dict[str, Any], path: Path) -> bool:
    """Return whether this is the resolved config of one run, which forgets nothing of the study it belongs to."""
    source = Path(content["source"])
    return path.is_file() and source.name == CONFIG_YAML and (source.parent.parent / ARM_JSON).is_file()
