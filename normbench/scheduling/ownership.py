"""Which study file a study's folder belongs to: two files of one name must not share its runs unnoticed."""

import os
import shlex
from contextlib import suppress
from pathlib import Path
from typing import Any

from normbench.errors import ConfigError, RunFolderError
from normbench.storage.files.json_files import read_json
from normbench.storage.files.yaml_file import read_study_file
from normbench.storage.names import content_sha256
from normbench.storage.run_folder import ARM_JSON, CONFIG_YAML, STUDY_JSON
from normbench.study.config import Study


def refuse_another_files_folder(study: Study, folder: Path) -> None:
    """Refuse to run a study in a folder that belongs to another file, which is still there and says something else.

    A file that was moved takes over, as does a copy; the resolved config of a run belongs to its study.

    Raises:
        RunFolderError: With the way out.
    """
    mine = Path(study.source)
    known = _known(folder / STUDY_JSON)
    said = known.get("source_path")
    owner = (folder.resolve() / str(said)).resolve()
    if not said or owner == mine.resolve() or is_config_of_a_run(mine):
        return
    if known.get("content_sha256") == study.content_sha256 or _content(owner) in ("", study.content_sha256):
        return
    way_out = f"Write another study: NAME in {shlex.quote(study.source)}, or choose another folder with --runs-dir."
    raise RunFolderError(f"{folder}: must belong to {study.source}, got the runs of {owner}. {way_out}")


def source_path(study: Study, folder: Path) -> str:
    """Return where the study's file lies as seen from its folder, so that both may be moved together."""
    return os.path.relpath(Path(study.source).resolve(), folder.resolve())


def is_config_of_a_run(path: Path) -> bool:
    """Return whether a file is the resolved config that a run has written into its folder."""
    return path.name == CONFIG_YAML and (path.parent.parent / ARM_JSON).exists()


def _known(path: Path) -> dict[str, Any]:
    with suppress(RunFolderError):
        return read_json(path)
    return {}


def _content(path: Path) -> str:
    """Return what stands for a file's content; "" where there is none any more."""
    if not path.is_file():
        return ""
    try:
        return content_sha256(read_study_file(path).data)
    except ConfigError:
        return "not readable"
