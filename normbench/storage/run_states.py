"""Reads the status of a run from its folder, and counts the runs of each arm by status."""

import os
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Self

from normbench.errors import RunFolderError
from normbench.storage.choices import TUNING
from normbench.storage.owners import Owner
from normbench.storage.run_folder import CLAIM_JSON, STUDY_JSON, SUMMARY_JSON, Run, is_finished
from normbench.storage.run_status import RunStatus


@dataclass(frozen=True, order=True)
class ArmFolder:
    """The folder that holds an arm's runs.

    Attributes:
        study: Name of the study's folder.
        is_tuning: Whether its runs were made by tuning; they are not compared.
        name: Name of the folder: the arm's label and digits of its identity.
        path: Path of the folder.
    """

    study: str
    is_tuning: bool
    name: str
    path: str

    @classmethod
    def at(cls, path: str) -> Self:
        """Return an arm's folder, its study read from the folders around it."""
        folder = Path(os.path.abspath(path))  # noqa: PTH100 - a link keeps its name
        is_tuning = folder.parent.name == TUNING and not (folder.parent / STUDY_JSON).is_file()
        study = folder.parents[1] if is_tuning else folder.parent
        return cls(study.name, is_tuning, folder.name, path)

    @property
    def study_folder(self) -> Path:
        """The folder of its study."""
        return Path(os.path.normpath(f"{self.path}/{'../..' if self.is_tuning else '..'}"))

    @property
    def runs_dir(self) -> Path:
        """The runs folder of its study."""
        return Path(os.path.normpath(self.study_folder / ".."))


@dataclass(frozen=True, slots=True)
class RunState:
    """The status of one run, as its folder shows it.

    Attributes:
        arm: The arm it belongs to.
        name: Name of its folder.
        seed: Its seed.
        status: One of ``FOLDER_STATUSES``.
        age_s: Seconds since it ended; for a running one, since its owner's last sign of life.
        problem: Why it failed, or what is damaged.
        owner: The process that makes or made it; None for a finished run.
    """

    arm: ArmFolder
    name: str
    seed: int
    status: RunStatus
    age_s: float
    problem: str = ""
    owner: Owner | None = None

    @property
    def path(self) -> str:
        """Path of the run's folder."""
        return f"{self.arm.path}/{self.name}"

    @property
    def folder(self) -> Path:
        """The run's folder; of very many runs few are asked for it."""
        return Path(self.arm.path, self.name)


def read_run_state(arm: ArmFolder, name: str) -> RunState:
    """Read the state of one run from its summary or its claim; no other file is read."""
    path, seed = f"{arm.path}/{name}", int(name.partition(".")[0].removeprefix("seed-"))
    try:
        age_s = _age_s(f"{path}/{SUMMARY_JSON}")
    except FileNotFoundError:
        return _unfinished_run(arm, name, seed)
    except OSError as error:
        return _unreadable(arm, name, seed, error)
    try:
        return RunState(arm, name, seed, RunStatus(Run(path, seed).summary["status"]), age_s)
    except RunFolderError as error:
        return RunState(arm, name, seed, RunStatus.DAMAGED, age_s, str(error))


def _unfinished_run(arm: ArmFolder, name: str, seed: int) -> RunState:
    """Return the state of a run that had no summary when it was looked for."""
    folder = Path(arm.path, name)
    try:
        owner = Owner.of(folder)
    except OSError as error:
        return _unreadable(arm, name, seed, error)
    if owner is None and is_finished(folder):  # it finished after the first check
        return read_run_state(arm, name)
    return RunState(arm, name, seed, *_unfinished_state(folder, owner), owner)


def _unreadable(arm: ArmFolder, name: str, seed: int, error: OSError) -> RunState:
    rule = f"must be readable, got: {error.strerror}"
    return RunState(arm, name, seed, RunStatus.DAMAGED, 0.0, f"{arm.path}/{name}: {rule}.")


def _unfinished_state(folder: Path, owner: Owner | None) -> tuple[RunStatus, float, str]:
    """Return the status of an unfinished run, its age in seconds and its error."""
    age_s = 0.0
    for path in (folder, folder / CLAIM_JSON):
        try:
            age_s = _age_s(str(path))
        except OSError:  # there is no claim, or the folder has just been removed
            break
    if owner is None:
        return RunStatus.STOPPED, age_s, ""
    if owner.is_alive:
        return RunStatus.RUNNING, age_s, ""
    ended = RunStatus(owner.status) if owner.status in (RunStatus.INTERRUPTED, RunStatus.FAILED) else RunStatus.STOPPED
    return ended, age_s, owner.error


def _age_s(path: str) -> float:
    return max(0.0, time.time() - os.stat(path).st_mtime)  # noqa: PTH116 - clocks jump; ten thousand runs


@dataclass
class ArmStates:
    """The runs of one arm, counted by status.

    Attributes:
        arm: The arm's folder.
        counts: Number of runs by status.
        age_s: Age of the newest run in seconds.
        owners: The processes that make its runs now.
    """

    arm: ArmFolder
    counts: Counter[RunStatus] = field(default_factory=Counter)
    age_s: float = float("inf")
    owners: list[Owner] = field(default_factory=list)


def count_by_arm(runs: Iterable[RunState]) -> list[ArmStates]:
    """Count the runs of each arm by status, in the order of the arms."""
    arms: dict[ArmFolder, ArmStates] = {}
    for folder, of_arm in groupby(runs, key=attrgetter("arm")):  # most runs of an arm stand together
        arm = arms.setdefault(folder, ArmStates(folder))
        for run in of_arm:
            arm.counts[run.status] += 1
            arm.age_s = min(arm.age_s, run.age_s)
            arm.owners += [run.owner] if run.owner and run.status == RunStatus.RUNNING else []
    return list(arms.values())
