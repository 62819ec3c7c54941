"""What lies in a study's folder: study.json, and the arms it names with their finished runs."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from normbench.errors import ComparisonError, RunFolderError
from normbench.storage.files.json_files import AGAIN, read_json
from normbench.storage.run_folder import ARM_JSON, STUDY_JSON, Arm, read_arm


def find_studies(path: Path) -> list[Path]:
    """Return the study folders at or in ``path``.

    Raises:
        ComparisonError: There is none.
    """
    if (path / STUDY_JSON).exists():
        return [path]
    found = _folders_with(STUDY_JSON, path)
    if not found:
        way_out = "Run a config first: normbench run configs/lenet_bn.yaml"
        raise ComparisonError(f"{path}: must hold runs of a study, got none. {way_out}")
    return found


def read_study_arms(folder: Path) -> tuple[dict[str, Any], list[Arm], list[str], list[str]]:
    """Return study.json, the arms it is about, the arms without runs, and the folders left out."""
    study = read_json(folder / STUDY_JSON)
    found = {path.name: path for path in _folders_with(ARM_JSON, folder)}
    if study.get("is_plain"):
        arms, gone, left_out = [read_arm(path) for path in found.values()], [], []
    else:
        folders = arm_folders(study, folder / STUDY_JSON)
        arms = [replace(read_arm(found[name]), name=arm) for arm, name in folders.items() if name in found]
        _check_hashes(folder, arms, study)
        gone = [arm for arm, name in folders.items() if name not in found]
        left_out = [name for name in found if name not in folders.values()]
    missing = [*(arm.name for arm in arms if not arm.runs), *gone]
    return study, [arm for arm in arms if arm.runs], missing, left_out


def _folders_with(name: str, folder: Path) -> list[Path]:
    """Return the folders in a folder that hold a file; hidden ones are on their way out."""
    found = sorted(path.parent for path in folder.glob(f"*/{name}"))
    return [path for path in found if not path.name.startswith(".")]


def arm_folders(study: dict[str, Any], path: Path) -> dict[str, str]:
    """Return what the folders of the study's arms are called, by arm.

    Raises:
        RunFolderError: study.json does not say; ``path`` is its name for the message.
    """
    arms = study.get("arms", [])
    try:
        return {arm["arm"]: arm.get("folder", f"{arm['arm']}-{arm['hash']}") for arm in arms}
    except (AttributeError, KeyError, TypeError):
        raise RunFolderError(f"{path}: arms: must be a list of arm and hash, got {arms!r:.60}. {AGAIN}") from None


def _check_hashes(folder: Path, arms: Sequence[Arm], study: dict[str, Any]) -> None:
    """Refuse an arm's folder that holds other settings than the study says."""
    said = {arm["arm"]: arm["hash"] for arm in study.get("arms", [])}
    for arm in arms:
        if arm.hash != said[arm.name]:
            rule = f"must hold the settings {said[arm.name]} that {folder / STUDY_JSON} names"
            raise RunFolderError(f"{arm.folder / ARM_JSON}: {rule}, got {arm.hash}. {AGAIN}")
