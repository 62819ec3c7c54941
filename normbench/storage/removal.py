"""Runs, arms and studies removed: nothing that is running, nothing that others made, safely against a kill."""

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
from normbench.storage.files.links import is_really_in, refuse_links
from normbench.storage.lock import locked
from normbench.storage.owners import Owner
from normbench.storage.run_folder import ARM_JSON, CLAIM_JSON, STUDY_JSON, SUMMARY_JSON
from normbench.storage.run_search import MAX_DEPTH, find_runs, folder_named, is_run_name

MARKS = (STUDY_JSON, ARM_JSON, SUMMARY_JSON, CLAIM_JSON)
"""One of these lies in whatever normbench made."""
_REMOVED = re.compile(r"\.removed-[0-9a-f]{16}")

Moved = list[tuple[Path, Path]]
"""Where folders lay, and where they lie now."""


@dataclass(frozen=True)
class Removal:
    """One folder that may go.

    Attributes:
        folder: Where it lies; no link leads there from the runs folder.
        num_runs: Runs in it.
        size_bytes: Of all its files.
    """

    folder: Path
    num_runs: int
    size_bytes: int


def plan_removal(paths: Sequence[Path], runs_dir: Path) -> list[Removal]:
    """Return what would go; a folder inside another one goes with it.

    Raises:
        ConfigError: Something must stay; a line per reason.
    """
    folders: list[Path] = []
    complaints: list[str] = []
    for path in dict.fromkeys(paths):
        try:
            folders.append(_removable(path, runs_dir))
        except NormbenchError as error:
            complaints.append(str(error))
    complaints += [line for folder in folders for line in _why_it_stays(folder)]
    if complaints:
        raise ConfigError(complaints)
    outermost = [folder for folder in dict.fromkeys(folders) if not set(folder.parents).intersection(folders)]
    return [Removal(folder, len(find_runs(folder).runs), _size_bytes(folder)) for folder in outermost]


def remove(removals: Sequence[Removal], runs_dir: Path) -> list[str]:
    """Remove folders; return a sentence for each that could not be removed whole.

    All are first given names that nothing reads, each under its arm's lock, then deleted. What a killed removal leaves
    under such a name is deleted by the next one; two removals in one runs folder wait for each other.

    Raises:
        RunFolderError: A run has been claimed meanwhile, or a folder may not be written; nothing is removed.
    """
    try:
        with locked(runs_dir):
            leftovers = list(_leftovers(runs_dir))
            moved = _set_aside([unit for removal in removals for unit in _units(removal.folder)])
            return _deleted([*leftovers, *(aside for _, aside in reversed(moved))])
    except OSError as error:
        place, rule = error.filename or runs_dir, "must be in a folder this user may write"
        raise RunFolderError(f"{place}: {rule}, got: {error.strerror}. Nothing is removed.") from None


def _removable(path: Path, runs_dir: Path) -> Path:
    """Return a folder by its own name in the runs folder; refuse what lies elsewhere, or what others made."""
    given = folder_named(path, runs_dir)
    folder, root = given.resolve(), runs_dir.resolve()
    refuse_links(given, name=str(path))
    if folder == root or root not in folder.parents:
        got = "the runs folder itself" if folder == root else str(folder)
        raise RunFolderError(f"{path}: must lie inside the runs folder {runs_dir}, got {got}. Name what lies in it.")
    if not _is_ours(folder):
        rule = f"must hold one of {', '.join(MARKS)}, as what normbench made does, got none"
        raise RunFolderError(f"{path}: {rule}. Remove it by hand if it may go.")
    return runs_dir / folder.relative_to(root)


def _is_ours(folder: Path) -> bool:
    if any((folder / name).is_file() for name in MARKS):
        return True
    if is_run_name(folder.name) or folder.parent.name == TUNING:
        return _is_ours(folder.parent)
    return folder.name == TUNING and (folder.parent / STUDY_JSON).is_file()


def _why_it_stays(folder: Path) -> list[str]:
    """Return a sentence for each run in it whose owner lives, and for what cannot be looked into."""
    found = find_runs(folder)
    running = [run for run in found.runs if run.owner and run.owner.is_alive]
    return [*(_is_running(run.folder, run.owner) for run in running if run.owner), *found.unreadable]


def _is_running(folder: Path, owner: Owner) -> str:
    rule = f"must not be running, got process {owner.pid} on {owner.host} that makes it"
    return f"{folder}: {rule}. Stop it first, or delete {CLAIM_JSON} in it if that process is gone for sure."


def _size_bytes(folder: Path) -> int:
    total = 0
    for inside, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):  # of other commands' folders files come and go
                total += Path(inside, name).lstat().st_size
    return total


def _units(folder: Path) -> list[Path]:
    """Return what is set aside under one lock each: the arms in a study, then the study."""
    if is_run_name(folder.name):
        return [folder]
    arms = {Path(run.arm.path) for run in find_runs(folder).runs}
    return [*sorted(arm for arm in arms if is_really_in(arm, folder)), folder]  # what is linked there is not ours


def _set_aside(units: Sequence[Path]) -> Moved:
    moved: Moved = []
    try:
        for unit in units:
            with suppress(FileNotFoundError):  # another removal was faster
                moved.append((unit, _hidden(unit)))
    except (OSError, RunFolderError):
        for unit, aside in reversed(moved):
            with suppress(OSError):
                if not unit.exists():  # else another command has begun it anew
                    aside.rename(unit)
        raise
    return moved


def _hidden(unit: Path) -> Path:
    """Give a folder a name that nothing reads, unless it is in use by now."""
    aside = unit.with_name(f".removed-{secrets.token_hex(8)}")
    with locked(unit.parent if is_run_name(unit.name) else unit):
        for line in _why_it_stays(unit):
            raise RunFolderError(line)
        unit.rename(aside)
    return aside


def _deleted(folders: Sequence[Path]) -> list[str]:
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
    """Find what a killed removal left, following no link."""
    with suppress(OSError):
        for entry in list(os.scandir(folder)):
            if _REMOVED.fullmatch(entry.name):
                yield Path(entry.path)
            elif depth > 1 and entry.is_dir(follow_symlinks=False) and not is_run_name(entry.name):
                yield from _leftovers(Path(entry.path), depth - 1)
