"""Removes folders of runs, arms and studies; refuses those that are running or that normbench did not make."""

import os
import re
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from normbench.errors import ConfigError, NormbenchError, RunFolderError
from normbench.storage.choices import TUNING
from normbench.storage.files.atomic import rename
from normbench.storage.files.links import is_in_without_links, refuse_links
from normbench.storage.lock import locked
from normbench.storage.owners import Owner
from normbench.storage.run_folder import ARM_JSON, CLAIM_JSON, PICTURES, STUDY_JSON, SUMMARY_JSON
from normbench.storage.run_search import MAX_DEPTH, FoundRuns, find_runs, is_run_name, resolve_folder

MARKER_FILES = (STUDY_JSON, ARM_JSON, SUMMARY_JSON, CLAIM_JSON)
"""Files by which a folder that normbench made is recognized."""
_REMOVED = re.compile(r"\.removed-[0-9a-f]{16}")

Moved = list[tuple[Path, Path]]
"""Pairs of a folder's path before and after it was renamed."""


@dataclass(frozen=True)
class Removal:
    """One folder that may be removed.

    Attributes:
        folder: Its path, in which no part below the runs folder is a link.
        num_runs: Number of runs in it.
        size_bytes: Size of all its files.
    """

    folder: Path
    num_runs: int
    size_bytes: int


def plan_removal(paths: Sequence[Path], runs_dir: Path) -> list[Removal]:
    """Return the folders that would be removed; one inside another is not listed.

    Raises:
        ConfigError: A folder may not be removed; a line per reason.
    """
    folders: list[Path] = []
    complaints: list[str] = []
    for path in dict.fromkeys(paths):
        try:
            folders.append(_checked_folder(path, runs_dir))
        except NormbenchError as error:
            complaints.append(str(error))
    found = {folder: find_runs(folder) for folder in folders}
    complaints += [line for folder in folders for line in _reasons_to_keep(found[folder])]
    if complaints:
        raise ConfigError(complaints)
    outermost = [folder for folder in found if not set(folder.parents).intersection(folders)]
    return [Removal(folder, len(found[folder].runs), _size_bytes(str(folder))) for folder in outermost]


def remove(removals: Sequence[Removal], runs_dir: Path) -> list[str]:
    """Remove folders; return a line for each that could not be removed completely.

    All are first renamed to hidden names, each under its arm's lock, then deleted. Hidden folders that a killed removal
    leaves are deleted by the next one; two removals in one runs folder wait for each other.

    Raises:
        RunFolderError: A run has been claimed meanwhile, or a folder may not be written; nothing is removed.
    """
    try:
        with locked(runs_dir):
            leftovers = list(_leftovers(runs_dir))
            moved = _rename_all([unit for removal in removals for unit in _folders_to_rename(removal.folder)])
            return _delete([*leftovers, *(aside for _, aside in reversed(moved))])
    except OSError as error:
        place, rule = error.filename or runs_dir, "must be in a folder this user may write"
        raise RunFolderError(f"{place}: {rule}, got: {error.strerror}. Nothing is removed.") from None


def _checked_folder(path: Path, runs_dir: Path) -> Path:
    """Return a folder's path in the runs folder; refuse one that is elsewhere or that normbench did not make."""
    given = resolve_folder(path, runs_dir)
    folder, root = given.resolve(), runs_dir.resolve()
    refuse_links(given, name=str(path))
    if folder == root or root not in folder.parents:
        got = "the runs folder itself" if folder == root else str(folder)
        raise RunFolderError(f"{path}: must lie inside the runs folder {runs_dir}, got {got}. Name what lies in it.")
    if not _is_made_by_normbench(folder):
        rule = f"must hold one of {', '.join(MARKER_FILES)}, as what normbench made does, got none"
        raise RunFolderError(f"{path}: {rule}. Remove it by hand if it may go.")
    return runs_dir / folder.relative_to(root)


def _is_made_by_normbench(folder: Path) -> bool:
    if any((folder / name).is_file() for name in MARKER_FILES):
        return True
    if is_run_name(folder.name) or folder.parent.name == TUNING:
        return _is_made_by_normbench(folder.parent)
    return folder.name in (TUNING, PICTURES) and (folder.parent / STUDY_JSON).is_file()


def _reasons_to_keep(found: FoundRuns) -> list[str]:
    """Return a line for each run in a folder that is being made, and for each folder that cannot be read."""
    running = [run for run in found.runs if run.owner and run.owner.is_alive]
    return [*(_is_running(run.folder, run.owner) for run in running if run.owner), *found.unreadable]


def _is_running(folder: Path, owner: Owner) -> str:
    rule = f"must not be running, got process {owner.pid} on {owner.host} that makes it"
    return f"{folder}: {rule}. Stop it first, or delete {CLAIM_JSON} in it if that process is gone for sure."


def _size_bytes(folder: str) -> int:
    """Return the size of all files below a folder; what cannot be read counts nothing."""
    total = 0
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with suppress(OSError):  # of other commands' folders files come and go
                is_folder = entry.is_dir(follow_symlinks=False)
                total += _size_bytes(entry.path) if is_folder else entry.stat(follow_symlinks=False).st_size
    return total


def _folders_to_rename(folder: Path) -> list[Path]:
    """Return the folders to rename one by one, each under its lock: the arms of a study, then the study."""
    if is_run_name(folder.name):
        return [folder]
    arms = {Path(run.arm.path) for run in find_runs(folder).runs}
    return [
        *sorted(arm for arm in arms if is_in_without_links(arm, folder)),
        folder,
    ]  # what is linked there is not ours


def _rename_all(units: Sequence[Path]) -> Moved:
    moved: Moved = []
    try:
        for unit in units:
            with suppress(FileNotFoundError):  # another removal was faster
                moved.append((unit, _rename_hidden(unit)))
    except (OSError, RunFolderError):
        for unit, aside in reversed(moved):
            with suppress(OSError):
                if not unit.exists():  # else another command has begun it anew
                    rename(aside, unit)
        raise
    return moved


def _rename_hidden(unit: Path) -> Path:
    """Rename a folder to a hidden name, unless a run in it has been claimed meanwhile."""
    aside = unit.with_name(f".removed-{secrets.token_hex(8)}")
    with locked(unit.parent if is_run_name(unit.name) else unit):
        for line in _reasons_to_keep(find_runs(unit)):
            raise RunFolderError(line)
        rename(unit, aside)  # on disk before anything in it is deleted
    return aside


def _delete(folders: Sequence[Path]) -> list[str]:
    problems = []
    for folder in folders:
        try:
            if folder.is_symlink():
                folder.unlink()
            elif folder.exists():  # else it went with the folder around it
                shutil.rmtree(folder)
        except OSError as error:
            rule = "must be a folder this user may empty"
            problems.append(f"{folder}: {rule}, got: {error.strerror}. The next normbench rm tries again.")
    return problems


def _leftovers(folder: Path, depth: int = MAX_DEPTH) -> Iterator[Path]:
    """Find the hidden folders that a killed removal left, following no link."""
    with suppress(OSError):
        for entry in list(os.scandir(folder)):
            if _REMOVED.fullmatch(entry.name):
                yield Path(entry.path)
            elif depth > 1 and entry.is_dir(follow_symlinks=False) and not is_run_name(entry.name):
                yield from _leftovers(Path(entry.path), depth - 1)
