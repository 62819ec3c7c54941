"""Which runs a study stands for, where they lie, and the files beside them that say so."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from normbench.errors import RunFolderError
from normbench.scheduling.one_run import PlannedRun
from normbench.scheduling.ownership import is_config_of_a_run, refuse_another_files_folder, source_path
from normbench.storage.files.json_files import read_json, write_json, write_sealed_json
from normbench.storage.files.links import refuse_links
from normbench.storage.identity import is_name
from normbench.storage.lock import locked, sweep
from normbench.storage.resolved_settings import flatten
from normbench.storage.run_folder import ARM_JSON, STUDY_JSON, seed_folder
from normbench.study.config import RunConfig, Study
from normbench.study.resolved import flat_settings


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


def write_study_files(study: Study, runs_dir: Path, runs: Sequence[PlannedRun]) -> None:
    """Write study.json, and arm.json where there is no whole one; one command at a time.

    Raises:
        OSError: They cannot be written.
        RunFolderError: A link leads there, or the folder belongs to another study file.
    """
    folder = runs_dir / study.name
    refuse_links(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder):
        refuse_another_files_folder(study, runs_dir)
        sweep(folder)
        _write_arms(study, runs)
        content = study_content(study, _names_in_use(study, runs_dir)) | {"source_path": source_path(study, folder)}
        if not _is_run_of(content, folder / STUDY_JSON):
            write_json(folder / STUDY_JSON, content)


def _write_arms(study: Study, runs: Sequence[PlannedRun]) -> None:
    for run in runs:
        folder = run.folder.parent
        if run.seed == study.seeds[0] and not _is_readable(folder / ARM_JSON):
            refuse_links(folder)
            folder.mkdir(parents=True, exist_ok=True)
            sweep(folder)
            write_sealed_json(folder / ARM_JSON, arm_content(run.arm, run.config))


def _is_readable(path: Path) -> bool:
    """Return whether a JSON file is there and whole; what says only what the config says is else written anew."""
    with suppress(RunFolderError):
        return bool(read_json(path))
    return False


def arm_content(arm: str, config: RunConfig) -> dict[str, Any]:
    """Return what arm.json says: every setting, and which of them are not at their default."""
    return {
        "arm": arm,
        "hash": config.hash(),
        "total_steps": config.total_steps,
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
    return _is_readable(path) and is_config_of_a_run(Path(content["source"]))
