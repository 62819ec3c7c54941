"""Finds the folders of runs under a folder; skips every other file and folder."""

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path

from normbench.errors import RunFolderError
from normbench.storage.contents.arm import ARM
from normbench.storage.files.links import link_refusal, real_path, refuse_links
from normbench.storage.run_folder import ARM_JSON, CONFIG_YAML, STUDY_JSON, num_levels, seed_of
from normbench.storage.run_states import ArmFolder, RunState, read_run_state
from normbench.storage.run_status import RunStatus

MAX_DEPTH = 4
"""Levels below the runs folder: study, tuning, arm, seed."""
_SET_ASIDE = re.compile(r"\.old-[0-9]+$")


@dataclass(frozen=True)
class FoundRuns:
    """The runs under a folder, in order.

    Attributes:
        runs: The runs, by study, arm and seed.
        unreadable: A line for each folder that could not be read.
        odd: A line for each link that is not followed, and for each arm whose settings cannot be read.
    """

    runs: Sequence[RunState]
    unreadable: Sequence[str] = ()
    odd: Sequence[str] = ()


def find_runs(*paths: Path) -> FoundRuns:
    """Find the runs at or under some folders, each once.

    A folder called ``seed-<n>`` is a run if it holds files of a run, or if the folder around it holds arm.json. Links
    are not followed, as behind one may lie somebody else's folder.
    """
    walk, found = _Walk(), dict[tuple[str, str], RunState]()
    for path in paths:
        for folder, names in walk.arms(path if path.name.strip(".") else path.resolve()):
            arm, place = ArmFolder.at(folder), os.path.realpath(folder)  # in which no run is a link
            found |= {(place, run.name): run for run in walk.runs(arm, names)}
    return FoundRuns(sorted(found.values(), key=attrgetter("arm", "seed")), walk.unreadable, walk.odd)


def is_run_name(name: str) -> bool:
    """Return whether a folder has the name of a run, seed-<n>, or of one set aside, seed-<n>.old-<k>.

    Example:
        >>> is_run_name("seed-0"), is_run_name("seed-12.old-1"), is_run_name("seed-01")
        (True, True, False)
    """
    return seed_of(_SET_ASIDE.sub("", name)) is not None


def resolve_folder(path: Path, runs_dir: Path) -> Path:
    """Return the folder that a user names: the path as given, or below the runs folder.

    Raises:
        RunFolderError: There is none.
    """
    for folder in (path, runs_dir / path):
        with suppress(OSError, ValueError):  # ValueError: a zero byte in the path
            if folder.is_dir():
                return folder
    rule = f"must be a folder, here or in {runs_dir}, got none"
    raise RunFolderError(f"{path}: {rule}. See what there is: normbench list")


@dataclass
class _Walk:
    """Walks through folders and notes what it cannot read there."""

    unreadable: list[str] = field(default_factory=list)
    odd: list[str] = field(default_factory=list)

    def arms(self, path: Path) -> Iterable[tuple[str, list[str]]]:
        """Return each folder that holds runs, at or under a path, with the names of their folders."""
        if is_run_name(path.name) and not (path / STUDY_JSON).is_file():
            return [] if self._is_behind_link(path) else [(str(path.parent), [path.name])]
        return self._below(str(path), real_path(path), MAX_DEPTH)

    def runs(self, arm: ArmFolder, names: Iterable[str]) -> Iterator[RunState]:
        """Yield the runs of an arm."""
        is_known = os.path.lexists(f"{arm.path}/{ARM_JSON}")
        if is_known:
            self._check_settings(arm)
        for name in names:
            run = read_run_state(arm, name)
            if is_known or run.owner or run.status != RunStatus.STOPPED or _exists(f"{arm.path}/{name}/{CONFIG_YAML}"):
                yield run

    def _is_behind_link(self, run: Path) -> bool:
        """Return whether a run's folder, its arm's or its study's is a link; note it."""
        try:
            refuse_links(run, levels=num_levels(run))
        except RunFolderError as error:
            self.odd.append(str(error))
            return True
        return False

    def _check_settings(self, arm: ArmFolder) -> None:
        try:
            ARM.read(f"{arm.path}/{ARM_JSON}")
        except RunFolderError as error:
            self.odd.append(str(error))

    def _below(self, path: str, root: Path, depth: int) -> Iterator[tuple[str, list[str]]]:
        try:
            with os.scandir(path) as entries:  # pathlib's part of the time is seen with ten thousand runs
                names = [entry.name for entry in entries if self._may_hold_runs(entry, root)]
        except OSError as error:
            self.unreadable.append(f"{path}: must be a folder this user may read, got: {error.strerror}.")
            return
        seeds = [name for name in names if seed_of(name) is not None]
        if seeds and not os.path.lexists(f"{path}/{ARM_JSON}"):  # else a study may have the name of a run
            seeds = [name for name in seeds if not _exists(f"{path}/{name}/{STUDY_JSON}")]
        if seeds:
            yield path, seeds
        for name in set(names).difference(seeds) if depth > 1 else ():
            yield from self._below(f"{path}/{name}", root, depth - 1)

    def _may_hold_runs(self, entry: os.DirEntry[str], root: Path) -> bool:
        """Return whether an entry is a folder; note a link to a folder that is not found by its own name."""
        if entry.name.startswith(".") or _SET_ASIDE.search(entry.name):
            return False
        if entry.is_dir(follow_symlinks=False):
            return True
        with suppress(OSError):  # a link that leads in a circle
            if entry.is_symlink() and entry.is_dir():
                self._note_link(Path(entry.path), root)
        return False

    def _note_link(self, path: Path, root: Path) -> None:
        target = real_path(path)
        if root not in (target, *target.parents):
            self.odd.append(str(link_refusal(path)))


def _exists(path: str) -> bool:
    return os.path.exists(path)  # noqa: PTH110
