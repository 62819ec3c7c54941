"""Refuses to mix the runs of two study files that have the same name and share a folder."""

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from normbench.errors import ConfigError, RunFolderError
from normbench.storage.files.links import real_path
from normbench.storage.files.yaml_file import read_study_file
from normbench.storage.names import content_sha256
from normbench.storage.run_folder import ARM_JSON, CONFIG_YAML
from normbench.storage.shipped_configs import config_file
from normbench.storage.study_folder import known_study

if TYPE_CHECKING:  # it loads torch, without which it may be found that there is nothing to do
    from normbench.study.study import Study


def refuse_another_files_folder(study: "Study", folder: Path) -> None:
    """Refuse to run a study in a folder that belongs to another file, if that file still exists with other content.

    A moved or copied file may use the folder, and so may the resolved config of one of the study's runs.

    Raises:
        RunFolderError: The folder belongs to another file.
    """
    mine = config_file(Path(study.source))
    known = known_study(folder)
    source_path = known.get("source_path")
    owner = real_path(real_path(folder) / (source_path or ""))
    if not source_path or owner == mine.resolve() or is_run_config(mine):
        return
    if known.get("content_sha256") == study.content_sha256 or _content_sha256(owner) in ("", study.content_sha256):
        return
    way_out = f"Write another study: NAME in {shlex.quote(study.source)}, or choose another folder with --runs-dir."
    raise RunFolderError(f"{folder}: must belong to {study.source}, got the runs of {owner}. {way_out}")


def source_path(source: Path, folder: Path) -> str:
    """Return the path of the study's file relative to the study's folder, so that both may be moved together."""
    return os.path.relpath(config_file(source).resolve(), folder.resolve())


def is_run_config(path: Path) -> bool:
    """Return whether a file is the resolved config in a run's folder."""
    return path.name == CONFIG_YAML and (path.parent.parent / ARM_JSON).exists()


def _content_sha256(path: Path) -> str:
    """Return the sha256 of a file's content without claims and quotes; "" if there is no file."""
    if not os.path.isfile(path):  # noqa: PTH113 - False too for a name that no file can have
        return ""
    try:
        return content_sha256(read_study_file(path).data)
    except ConfigError:
        return "not readable"
