"""What lies in a study's folder: study.json, and the arms it names with their finished runs."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from normbench.errors import ComparisonError, RunFolderError
from normbench.storage.arm_id import ArmEntry, ArmSet, KnownArm
from normbench.storage.files.json_files import AGAIN, read_json
from normbench.storage.identity import NUM_SHOWN
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
    entries, folders = arm_entries(study, folder / STUDY_JSON), arm_folders(study, folder / STUDY_JSON)
    if study.get("is_plain"):
        by_folder = {name: entries[arm] for arm, name in folders.items()}
        arms = [replace(read_arm(path), entry=by_folder.get(name)) for name, path in found.items()]
        gone, left_out = [], []
    else:
        listed = [(arm, found[name]) for arm, name in folders.items() if name in found]
        arms = [replace(read_arm(path), name=arm, entry=entries[arm]) for arm, path in listed]
        _check_identities(folder, arms, study)
        gone = [arm for arm, name in folders.items() if name not in found]
        left_out = [name for name in found if name not in folders.values()]
    missing = [*(arm.name for arm in arms if not arm.runs), *gone]
    return study, [arm for arm in arms if arm.runs], missing, left_out


def planned_arms(folder: Path, study: Mapping[str, Any], arms: Sequence[Arm]) -> ArmSet:
    """Return all arms that study.json names, of an arm whose folder is gone what the study sets in it.

    Args:
        folder: The study's.
        study: Its study.json.
        arms: Those with runs.
    """
    entries, folders = arm_entries(study, folder / STUDY_JSON), arm_folders(study, folder / STUDY_JSON)
    read = {arm.folder.name: arm for arm in arms}
    known = [_known(entries[arm], folder / name, read.get(name)) for arm, name in folders.items()]
    return ArmSet(known, *own_keys(study))


def own_keys(study: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Return the keys that a study's grid sets, and those that its named arms set, as study.json says them."""
    return list(map(str, study.get("axes", ()))), list(map(str, study.get("named", ())))


def _known(entry: ArmEntry, folder: Path, arm: Arm | None) -> KnownArm:
    if arm is None and not (folder / ARM_JSON).exists():
        return entry.known(entry.sets)
    return entry.known((arm or read_arm(folder)).settings)


def _folders_with(name: str, folder: Path) -> list[Path]:
    """Return the folders in a folder that hold a file; hidden ones are on their way out."""
    found = sorted(path.parent for path in folder.glob(f"*/{name}"))
    return [path for path in found if not path.name.startswith(".")]


def arm_folders(study: Mapping[str, Any], path: Path) -> dict[str, str]:
    """Return what the folders of the study's arms are called, by arm.

    Raises:
        RunFolderError: study.json does not say; ``path`` is its name for the message.
    """
    try:
        return {arm["arm"]: arm["folder"] for arm in study.get("arms", [])}
    except (AttributeError, KeyError, TypeError):
        raise _no_arms(study, path) from None


def arm_entries(study: Mapping[str, Any], path: Path) -> dict[str, ArmEntry]:
    """Return what the study says of its arms, by label.

    Raises:
        RunFolderError: study.json does not say; ``path`` is its name for the message.
    """
    try:
        return {arm["arm"]: ArmEntry.from_json(arm) for arm in study.get("arms", [])}
    except (AttributeError, KeyError, TypeError, ValueError):
        raise _no_arms(study, path) from None


def _no_arms(study: Mapping[str, Any], path: Path) -> RunFolderError:
    rule = "must be a list of arm, identity and folder"
    return RunFolderError(f"{path}: arms: {rule}, got {study.get('arms')!r:.60}. {AGAIN}")


def _check_identities(folder: Path, arms: Sequence[Arm], study: dict[str, Any]) -> None:
    """Refuse an arm's folder that holds other settings than the study says."""
    said = {arm["arm"]: str(arm.get("identity")) for arm in study.get("arms", [])}
    for arm in arms:
        if arm.identity != said[arm.name]:
            rule = f"must hold the settings {said[arm.name][:NUM_SHOWN]} that {folder / STUDY_JSON} names"
            raise RunFolderError(f"{arm.folder / ARM_JSON}: {rule}, got {arm.identity[:NUM_SHOWN]}. {AGAIN}")
