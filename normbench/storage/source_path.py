"""Finds the folder of the study file that a file of settings stands for: its own, or that of a run's study."""

from contextlib import suppress
from pathlib import Path

from normbench.errors import RunFolderError
from normbench.storage.files.json_files import read_json
from normbench.storage.run_folder import CONFIG_YAML, STUDY_JSON, seed_of

SOURCE_PATH = "source_path"
"""Key of study.json: the study file from the study's folder."""


def folder_of_source(path: Path) -> Path:
    """Return the folder from which the modules and files that a study file names are found.

    A run's config.yaml names what its study's file does: they are found from there, wherever the runs lie.
    """
    if path.name == CONFIG_YAML and seed_of(path.parent.name) is not None:
        for folder in path.resolve().parents[2:4]:  # of a tuning run the study's folder is one further up
            source = _source_in(folder)
            if source and source.parent.is_dir():
                return source.parent
    return path.parent


def _source_in(folder: Path) -> Path | None:
    with suppress(RunFolderError):
        known = read_json(folder / STUDY_JSON).get(SOURCE_PATH)
        return (folder / known).resolve() if isinstance(known, str) else None
    return None
