"""Reads a study's folder: study.json, and each arm it names with its finished runs."""

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from normbench.errors import ContentError, OldRunsError, RunFolderError
from normbench.storage.arm_id import ArmEntry, ArmSet, LabelledArm
from normbench.storage.contents.arm import ARM
from normbench.storage.contents.study import STUDY, StudyContent
from normbench.storage.files.json_files import DELETE_AND_RERUN
from normbench.storage.files.links import refuse_links
from normbench.storage.identity import LOOP, NUM_DIGITS_SHOWN, NUMERICS, RunIdentity, is_of_code, read_identity
from normbench.storage.own_metric import declare_own_metrics
from normbench.storage.run_folder import ARM_JSON, STUDY_JSON, Arm, read_arm

KEPT_RUNS = 2_000
"""Runs up to which what was read of them is kept: of 50,000 it would take half a gigabyte."""


@dataclass(frozen=True)
class StudyFolder:
    """A study's folder, read once; each file of its runs is read when it is first needed, and is then mostly kept.

    Attributes:
        folder: The study's folder.
        content: The content of study.json.
        arms: Arms of the study that have finished runs.
        missing: Labels of arms without finished runs.
        left_out: Names of folders of arms that study.json no longer lists.
        unreadable: Why an arm cannot be read, with its file or folder, by its label.
    """

    folder: Path
    content: StudyContent
    arms: Sequence[Arm]
    missing: Sequence[str] = ()
    left_out: Sequence[str] = ()
    unreadable: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_large(self) -> bool:
        """Whether it has too many runs to keep what was read of them."""
        return sum(len(arm.runs) for arm in self.arms) > KEPT_RUNS

    def planned_arms(self) -> ArmSet:
        """Return all arms that study.json lists; one without a folder has only the values that a grid sets."""
        entries, folders = arm_entries(self.content), arm_folders(self.content)
        read = {arm.folder.name: arm for arm in self.arms}
        known = [self._labelled(entries[arm], name, read.get(name)) for arm, name in folders.items()]
        return ArmSet(known, self.content.get("axes", ()), self.content.get("named", ()))

    def _labelled(self, entry: ArmEntry, name: str, arm: Arm | None) -> LabelledArm:
        path = self.folder / name / ARM_JSON
        if arm is None and (entry.label in self.unreadable or not path.exists()):
            return entry.with_settings(entry.sets)
        return entry.with_settings(arm.settings if arm else ARM.read(path)["settings"])


def read_study(folder: Path) -> StudyFolder:
    """Read a study's folder; arms that cannot be read are named beside the others.

    Raises:
        ComparisonError: Arms have an own metric of one name and of different kinds.
        OldRunsError: It was made by version 0.1.0.
        RunFolderError: study.json is missing or damaged, or no arm can be read.
    """
    refuse_links(folder)
    study = STUDY.read(folder / STUDY_JSON)
    _refuse_old(folder, study)
    folders = arm_folders(study)
    found = _arms_in(folder, folders.values())
    read = (_plain_arms if study.get("is_plain") else _listed_arms)(study, found)
    if read.unreadable and not read.arms:
        raise RunFolderError(next(iter(read.unreadable.values())))
    declare_own_metrics([arm.settings for arm in read.arms], str(folder))
    missing = [arm.name for arm in read.arms if not arm.runs]
    if not study.get("is_plain"):
        missing += [arm for arm, name in folders.items() if name not in found]
    return StudyFolder(folder, study, [arm for arm in read.arms if arm.runs], missing, read.left_out, read.unreadable)


@dataclass
class _ReadArms:
    """The arms of a study: those that were read, names of folders left out, and by label what cannot be read."""

    arms: list[Arm] = field(default_factory=list)
    left_out: Sequence[str] = ()
    unreadable: dict[str, str] = field(default_factory=dict)

    def read(self, label: str, path: Path, finish: Callable[[Arm], Arm]) -> None:
        """Read an arm from its folder, or note why it cannot be read."""
        try:
            self.arms.append(finish(read_arm(path)))
        except RunFolderError as error:
            self.unreadable[label] = str(error)


def _plain_arms(study: StudyContent, found: Mapping[str, Path]) -> _ReadArms:
    """Read the arms of a file without arms: all in its folder but those of other numbers or code."""
    folders, entries, engine = arm_folders(study), arm_entries(study), study.get("engine")
    by_folder = {name: entries[arm] for arm, name in folders.items()}
    own = {name: path for name, path in found.items() if not path.is_symlink()}  # a link is refused where it is read
    current = [identity for name in by_folder if name in own and (identity := read_identity(own[name]))]
    others = {name: path for name, path in own.items() if name not in by_folder}
    old = [name for name, path in others.items() if _is_of_other_numbers(path, study)]
    old += [name for name, path in others.items() if name not in old and _is_of_other_code(path, current)]
    read = _ReadArms(left_out=[_with_version(found[name], engine, current) for name in old])
    for name, path in found.items():
        if name not in old:
            entry = by_folder.get(name)
            read.read(entry.label if entry else name, path, partial(_with_entry, entry=entry))
    return read


def _with_entry(arm: Arm, entry: ArmEntry | None) -> Arm:
    return replace(arm, entry=entry)


def _listed_arms(study: StudyContent, found: Mapping[str, Path]) -> _ReadArms:
    """Read the arms that study.json lists, each of the identity that it names."""
    entries, folders = arm_entries(study), arm_folders(study)
    others = [path for name, path in found.items() if name not in folders.values()]
    read = _ReadArms(left_out=[_with_version(path, study.get("engine")) for path in others])
    identities = {arm["arm"]: arm.get("identity", "") for arm in study.get("arms", ())}
    for arm, name in folders.items():
        if name in found:
            read.read(arm, found[name], partial(_as_listed, entry=entries[arm], identity=identities[arm]))
    return read


def _as_listed(arm: Arm, entry: ArmEntry, identity: str) -> Arm:
    """Return an arm with its entry in study.json; refuse one whose identity is not the one that is named there."""
    if arm.identity != identity:
        place = f"that {arm.folder.parent / STUDY_JSON} names"
        rule = f"must hold the settings {identity[:NUM_DIGITS_SHOWN]} {place}"
        got = f"got {arm.identity[:NUM_DIGITS_SHOWN]}"
        raise RunFolderError(f"{arm.folder / ARM_JSON}: {rule}, {got}. {DELETE_AND_RERUN}")
    return replace(arm, name=entry.label, entry=entry)


def _refuse_old(folder: Path, study: StudyContent) -> None:
    """Refuse a study of version 0.1.0, whose runs have no identity: only that version reads them."""
    if "normbench" in study:
        return
    rule = "must be a study of normbench 0.2 or newer, got one of 0.1.0"
    way_out = "Run its config again: the old runs stay where they are, and are not mixed with new ones."
    raise OldRunsError(f"{folder}: {rule}. {way_out}")


def _with_version(folder: Path, engine: str | None, current: Sequence[RunIdentity] = ()) -> str:
    """Return the name of an arm's folder with what is old of it: version, numerics number, engine, or code."""
    if folder.is_symlink():
        return folder.name
    if _is_old(folder):
        return f"{folder.name} of normbench 0.1.0"
    identity = read_identity(folder)
    if identity and identity.numerics != NUMERICS:
        return f"{folder.name} of numerics {identity.numerics}"
    if identity and engine not in (None, identity.engine):
        return f"{folder.name} of engine {identity.engine}"
    return f"{folder.name} of other code or data" if _is_of_other_code(folder, current) else folder.name


def _is_of_other_numbers(folder: Path, study: StudyContent) -> bool:
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
    with suppress(RunFolderError):  # what cannot be read is told where it is read
        return "identity" not in ARM.read(folder / ARM_JSON)
    return False


def _arms_in(folder: Path, listed: Collection[str]) -> dict[str, Path]:
    """Return the folders of arms in a study's folder, readable or not, by name; skip hidden ones."""
    names = sorted(name for name in os.listdir(folder) if not name.startswith("."))  # noqa: PTH208
    known = frozenset(listed)
    return {name: folder / name for name in names if _is_arm(f"{folder}/{name}", is_listed=name in known)}


def _is_arm(path: str, *, is_listed: bool) -> bool:
    """Return whether a path is an arm's folder: it has arm.json, is listed and no folder, or cannot be opened."""
    try:
        os.lstat(f"{path}/{ARM_JSON}")
    except FileNotFoundError:
        return is_listed and os.path.islink(path)  # noqa: PTH114
    except NotADirectoryError:
        return is_listed
    except OSError:
        return True
    return True


def arm_folders(study: StudyContent) -> dict[str, str]:
    """Return the name of each arm's folder, by the arm's label."""
    return {arm["arm"]: arm["folder"] for arm in study.get("arms", ())}


def arm_entries(study: StudyContent) -> dict[str, ArmEntry]:
    """Return each arm's entry in study.json, by the arm's label."""
    return {arm["arm"]: ArmEntry.from_json(arm) for arm in study.get("arms", ())}


def known_study(folder: Path) -> StudyContent:
    """Return the content of the study.json of an earlier command; nothing where it is missing or cut short.

    Raises:
        ContentError: It is whole and holds something else, so that nobody knows which looks and late rules it told of.
    """
    try:
        return STUDY.read(folder / STUDY_JSON)
    except ContentError:
        raise
    except RunFolderError:
        return {}
