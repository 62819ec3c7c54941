"""Many runs: what is finished is skipped, what is missing is run."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from normbench.errors import RunFolderError
from normbench.evidence.identity import is_name
from normbench.evidence.json_files import write_json, write_sealed_json
from normbench.evidence.run_folder import ARM_JSON, CONFIG_YAML, STUDY_JSON, seed_folder
from normbench.study import RunConfig, Study
from normbench.training.experiment import flat_settings, flatten
from normbench.workers import PlannedRun, Workers


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
    names = _names_in_use(study, runs_dir)
    arms = {config.hash(): config for config in study.arms.values()}  # a tuned arm may be the given one
    return [
        PlannedRun(study.name, names[found], config, seed, seed_folder(runs_dir, study.name, names[found], found, seed))
        for seed in study.seeds
        for found, config in arms.items()
    ]


def _names_in_use(study: Study, runs_dir: Path) -> dict[str, str]:
    """Return what the arms' folders are called, by hash: after the first arm of these settings.

    In a file without arms what they are called already: a later --vary adds seeds, not rows.
    """
    names: dict[str, str] = {}
    for arm, config in study.arms.items():
        names.setdefault(config.hash(), arm)
    if study.is_plain:
        known = {found: sorted((runs_dir / study.name).glob(f"*-{found}")) for found in names}
        called = {found: [path.name.removesuffix(f"-{found}") for path in paths] for found, paths in known.items()}
        names |= {found: before[0] for found, listed in called.items() if (before := list(filter(is_name, listed)))}
    return names


def run_study(
    study: Study,
    runs_dir: Path,
    *,
    force: bool = False,
    workers: Workers | None = None,
    report: Callable[[Progress], None] = lambda _: None,
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
    for progress in run_planned(runs, workers or Workers(), force=force):
        report(progress)
        results.append(progress)
    return results


def run_planned(runs: Sequence[PlannedRun], workers: Workers, *, force: bool = False) -> Iterator[Progress]:
    """Make the runs that are missing, or all of them; finished ones are told of first."""
    skipped = [run for run in runs if run.is_finished and not force]
    missing = [run for run in runs if force or not run.is_finished]
    for number, run in enumerate(skipped, start=1):
        yield Progress(run, "skipped", number, len(runs))
    for number, ended in enumerate(workers.run(missing, force=force), start=len(skipped) + 1):
        yield Progress(ended.run, ended.status, number, len(runs), ended.error)


def _write_study_files(study: Study, runs_dir: Path, runs: list[PlannedRun]) -> None:
    for run in runs:
        folder = run.folder.parent
        if run.seed == study.seeds[0] and not (folder / ARM_JSON).is_file():
            folder.mkdir(parents=True, exist_ok=True)
            write_sealed_json(folder / ARM_JSON, arm_content(run.arm, run.config))
    path = runs_dir / study.name / STUDY_JSON
    content = study_content(study, _names_in_use(study, runs_dir))
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


def study_content(study: Study, names: Mapping[str, str]) -> dict[str, Any]:
    """Return what study.json says: the arms in order with their folders, and all that is said of them.

    Args:
        study: What is run.
        names: What the arms' folders are called, by hash.
    """
    return {
        "study": study.name,
        "question": study.question,
        "source": study.source,
        "content_sha256": study.content_sha256,
        "options": dict(study.options),
        "set": list(study.set_),
        "arms": [_arm_entry(arm, config.hash(), names) for arm, config in study.arms.items()],
        "seeds": list(study.seeds),
        "baseline": study.baseline,
        "is_plain": study.is_plain,
        "tune": {key: list(values) for key, values in study.tune.items()},
        "quotes": dict(study.quotes),
        "claims": list(study.claims),
    }


def _arm_entry(arm: str, arm_hash: str, names: Mapping[str, str]) -> dict[str, str]:
    return {"arm": arm, "hash": arm_hash, "folder": f"{names[arm_hash]}-{arm_hash}"}


def _is_run_of(content: dict[str, Any], path: Path) -> bool:
    """Return whether this is the resolved config of one run, which forgets nothing of the study it belongs to."""
    source = Path(content["source"])
    return path.is_file() and source.name == CONFIG_YAML and (source.parent.parent / ARM_JSON).is_file()
