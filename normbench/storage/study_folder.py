"""Reads a study's folder: study.json, and each arm it names with its finished runs."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from normbench.errors import ComparisonError, OldRunsError, RunFolderError
from normbench.storage.arm_id import ArmEntry, ArmSet, LabelledArm
from normbench.storage.files.json_files import DELETE_AND_RERUN, read_json
from normbench.storage.identity import LOOP, NUM_DIGITS_SHOWN, NUMERICS, RunIdentity, is_of_code, read_identity
from normbench.storage.own_metric import declare_own_metrics
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


def read_studies(paths: Sequence[Path]) -> "list[StudyFolder]":
    """Read the study folders at or in some folders, each once; skip those of version 0.1.0 if there are newer ones.

    Raises:
        ComparisonError: There is none in one of them, or two have an own metric of one name and of different kinds.
        OldRunsError: All of them are of version 0.1.0.
        RunFolderError: A study.json or an arm.json is damaged.
    """
    folders = list(dict.fromkeys(folder for path in paths for folder in find_studies(path)))
    found, old = [], []
    for folder in folders:
        try:
            found.append(read_study(folder))
        except OldRunsError as error:
            old.append(error)
    if old and not found:
        raise old[0]
    if len(found) > 1:
        declare_own_metrics([arm.settings for study in found for arm in study.arms], "studies")
    return found


@dataclass(frozen=True)
class StudyFolder:
    """A study's folder, read once; each file of its runs is read once, when it is first needed.

    Attributes:
        folder: The study's folder.
        content: The content of study.json.
        arms: Arms of the study that have finished runs.
        missing: Labels of arms without finished runs.
        left_out: Names of folders of arms that study.json no longer lists.
    """

    folder: Path
    content: dict[str, Any]
    arms: Sequence[Arm]
    missing: Sequence[str] = ()
    left_out: Sequence[str] = ()

    def planned_arms(self) -> ArmSet:
        """Return all arms that study.json lists; one without a folder has only the values that a grid sets."""
        path = self.folder / STUDY_JSON
        entries, folders = arm_entries(self.content, path), arm_folders(self.content, path)
        read = {arm.folder.name: arm for arm in self.arms}
        known = [_labelled(entries[arm], self.folder / name, read.get(name)) for arm, name in folders.items()]
        return ArmSet(known, *axes_and_named_keys(self.content))


def read_study(folder: Path) -> StudyFolder:
    """Read a study's folder.

    Raises:
        ComparisonError: Arms have an own metric of one name and of different kinds.
        OldRunsError: It was made by version 0.1.0.
        RunFolderError: study.json or an arm.json is missing or damaged.
    """
    study = read_json(folder / STUDY_JSON)
    _refuse_old(folder, study)
    found = {path.name: path for path in _folders_with(ARM_JSON, folder)}
    entries, folders = arm_entries(study, folder / STUDY_JSON), arm_folders(study, folder / STUDY_JSON)
    engine = study.get("engine")
    if study.get("is_plain"):
        by_folder = {name: entries[arm] for arm, name in folders.items()}
        current = [identity for name in by_folder if name in found and (identity := read_identity(found[name]))]
        others = {name: path for name, path in found.items() if name not in by_folder}
        old = [name for name, path in others.items() if _is_of_other_numbers(path, study)]
        old += [name for name, path in others.items() if name not in old and _is_of_other_code(path, current)]
        named = {name: path for name, path in found.items() if name not in old}
        arms = [replace(read_arm(path), entry=by_folder.get(name)) for name, path in named.items()]
        gone, left_out = [], [_with_version(found[name], engine, current) for name in old]
    else:
        listed = [(arm, found[name]) for arm, name in folders.items() if name in found]
        arms = [replace(read_arm(path), name=arm, entry=entries[arm]) for arm, path in listed]
        _check_identities(folder, arms, study)
        gone = [arm for arm, name in folders.items() if name not in found]
        left_out = [_with_version(path, engine) for name, path in found.items() if name not in folders.values()]
    declare_own_metrics([arm.settings for arm in arms], str(folder))
    missing = [*(arm.name for arm in arms if not arm.runs), *gone]
    return StudyFolder(folder, study, [arm for arm in arms if arm.runs], missing, left_out)


def _refuse_old(folder: Path, study: Mapping[str, Any]) -> None:
    """Refuse a study of version 0.1.0, whose runs have no identity: only that version reads them."""
    if "normbench" in study:
        return
    rule = "must be a study of normbench 0.2 or newer, got one of 0.1.0"
    way_out = "Run its config again: the old runs stay where they are, and are not mixed with new ones."
    raise OldRunsError(f"{folder}: {rule}. {way_out}")


def _with_version(folder: Path, engine: str | None, current: Sequence[RunIdentity] = ()) -> str:
    """Return the name of an arm's folder with what is old of it: version, numerics number, engine, or code."""
    with suppress(RunFolderError):  # what is left out need not be readable
        if _is_old(folder):
            return f"{folder.name} of normbench 0.1.0"
        identity = read_identity(folder)
        if identity and identity.numerics != NUMERICS:
            return f"{folder.name} of numerics {identity.numerics}"
        if identity and engine not in (None, identity.engine):
            return f"{folder.name} of engine {identity.engine}"
        return f"{folder.name} of other code or data" if _is_of_other_code(folder, current) else folder.name
    return folder.name


def _is_of_other_numbers(folder: Path, study: Mapping[str, Any]) -> bool:
    """Return whether an arm's runs are not to be mixed with those of a study as it was last run."""
    if _is_old(folder):
        return True
    identity = read_identity(folder)
    if identity is None:
        return False
    return (identity.numerics, identity.engine) != (study.get("numerics", NUMERICS), study.get("engine", LOOP))


def _is_of_other_code(folder: Path, current: Sequence[RunIdentity]) -> bool:
    """Return whether an arm was made with a module, or from data, of the user's that are others in the current arms."""
    mine = read_identity(folder)
    return mine is not None and any(_are_others(mine, one) for one in current)


def _are_others(one: RunIdentity, other: RunIdentity) -> bool:
    has_same_data = one.settings.get("dataset") == other.settings.get("dataset")
    shared = [name for name in one.digests if name in other.digests and (has_same_data or is_of_code(name))]
    return any(one.digests[name] != other.digests[name] for name in shared)


def _is_old(folder: Path) -> bool:
    """Return whether an arm's folder was written by version 0.1.0, which wrote no identity."""
    return "identity" not in read_json(folder / ARM_JSON)


def axes_and_named_keys(study: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Return two lists from study.json: the keys that its grid sets, and the keys that its named arms set."""
    return list(map(str, study.get("axes", ()))), list(map(str, study.get("named", ())))


def _labelled(entry: ArmEntry, folder: Path, arm: Arm | None) -> LabelledArm:
    if arm is None and not (folder / ARM_JSON).exists():
        return entry.with_settings(entry.sets)
    return entry.with_settings((arm or read_arm(folder)).settings)


def _folders_with(name: str, folder: Path) -> list[Path]:
    """Return the folders in a folder that hold a file of this name; skip hidden ones, which are being removed."""
    found = sorted(path.parent for path in folder.glob(f"*/{name}"))
    return [path for path in found if not path.name.startswith(".")]


def arm_folders(study: Mapping[str, Any], path: Path) -> dict[str, str]:
    """Return the name of each arm's folder, by the arm's label.

    Raises:
        RunFolderError: study.json lists no arms; ``path`` is its name for the message.
    """
    try:
        return {arm["arm"]: arm["folder"] for arm in study.get("arms", [])}
    except (AttributeError, KeyError, TypeError):
        raise _arms_refusal(study, path) from None


def arm_entries(study: Mapping[str, Any], path: Path) -> dict[str, ArmEntry]:
    """Return each arm's entry in study.json, by the arm's label.

    Raises:
        RunFolderError: study.json lists no arms; ``path`` is its name for the message.
    """
    try:
        return {arm["arm"]: ArmEntry.from_json(arm) for arm in study.get("arms", [])}
    except (AttributeError, KeyError, TypeError, ValueError):
        raise _arms_refusal(study, path) from None


def _arms_refusal(study: Mapping[str, Any], path: Path) -> RunFolderError:
    rule = "must be a list of arm, identity and folder"
    return RunFolderError(f"{path}: arms: {rule}, got {study.get('arms')!r:.60}. {DELETE_AND_RERUN}")


def _check_identities(folder: Path, arms: Sequence[Arm], study: dict[str, Any]) -> None:
    """Refuse an arm's folder whose identity is not the one in study.json."""
    listed = {arm["arm"]: str(arm.get("identity")) for arm in study.get("arms", [])}
    for arm in arms:
        if arm.identity != listed[arm.name]:
            rule = f"must hold the settings {listed[arm.name][:NUM_DIGITS_SHOWN]} that {folder / STUDY_JSON} names"
            raise RunFolderError(
                f"{arm.folder / ARM_JSON}: {rule}, got {arm.identity[:NUM_DIGITS_SHOWN]}. {DELETE_AND_RERUN}"
            )
