"""Finds the folders of runs under a folder; skips every other file and folder."""

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from normbench.errors import RunFolderError
from normbench.storage.run_folder import ARM_JSON, CONFIG_YAML, STUDY_JSON, seed_of
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
    """

    runs: Sequence[RunState]
    unreadable: Sequence[str] = ()


def find_runs(*paths: Path) -> FoundRuns:
    """Find the runs at or under some folders, each once.

    A folder called ``seed-<n>`` is a run if it holds files of a run, or if the folder around it holds arm.json.
    """
    unreadable: list[str] = []
    found: dict[Path, RunState] = {}
    for path in paths:
        for arm, names in _arms(path, unreadable):
            found |= {run.folder.resolve(): run for run in _runs(ArmFolder.at(arm), names)}
    return FoundRuns(sorted(found.values(), key=lambda run: (run.arm, run.seed)), unreadable)


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


def _arms(path: Path, unreadable: list[str]) -> Iterable[tuple[str, list[str]]]:
    """Return each folder that holds runs, with the names of their folders."""
    path = path if path.name.strip(".") else path.resolve()
    if is_run_name(path.name) and not (path / STUDY_JSON).is_file():
        return [(str(path.parent), [path.name])]
    return _walk(str(path), MAX_DEPTH, unreadable)


def _walk(path: str, depth: int, unreadable: list[str]) -> Iterator[tuple[str, list[str]]]:
    try:
        with os.scandir(path) as entries:  # pathlib's part of the time is seen with ten thousand runs
            names = [entry.name for entry in entries if _may_hold_runs(entry)]
    except OSError as error:
        unreadable.append(f"{path}: must be a folder this user may read, got: {error.strerror}.")
        return
    seeds = [name for name in names if seed_of(name) is not None and not _exists(f"{path}/{name}/{STUDY_JSON}")]
    if seeds:
        yield path, seeds
    for name in set(names).difference(seeds) if depth > 1 else ():
        yield from _walk(f"{path}/{name}", depth - 1, unreadable)


def _may_hold_runs(entry: os.DirEntry[str]) -> bool:
    with suppress(OSError):  # a link that leads nowhere
        return not entry.name.startswith(".") and not _SET_ASIDE.search(entry.name) and entry.is_dir()
    return False


def _runs(arm: ArmFolder, names: Iterable[str]) -> Iterator[RunState]:
    is_known = _exists(f"{arm.path}/{ARM_JSON}")
    for name in names:
        run = read_run_state(arm, name)
        if is_known or run.owner or run.status != RunStatus.STOPPED or _exists(f"{arm.path}/{name}/{CONFIG_YAML}"):
            yield run


def _exists(path: str) -> bool:
    return os.path.exists(path)  # noqa: PTH110
