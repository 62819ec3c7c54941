"""Finds the folder of the study file that a file of settings stands for: its own, or that of a run's study."""

import os
from pathlib import Path

from normbench.storage.files.links import real_path
from normbench.storage.run_folder import CONFIG_YAML, seed_of
from normbench.storage.shipped_configs import config_file
from normbench.storage.study_folder import known_study


def folder_of_source(path: Path) -> Path:
    """Return the folder from which the modules and files that a study file names are found.

    A run's config.yaml names what its study's file does: they are found from there, wherever the runs lie.
    """
    if path.name == CONFIG_YAML and seed_of(path.parent.name) is not None:
        for folder in path.resolve().parents[2:4]:  # of a tuning run the study's folder is one further up
            source = _source_in(folder)
            if source and os.path.isdir(source.parent):  # noqa: PTH112 - False too for a name that no file can have
                return source.parent
    return config_file(path).parent


def _source_in(folder: Path) -> Path | None:
    known = known_study(folder).get("source_path")
    return real_path(folder / known) if known else None
