"""What a run is in, from its folder alone: finished, diverged, running, interrupted, failed, stopped or damaged."""

import os
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from normbench.errors import RunFolderError
from normbench.storage.choices import TUNING
from normbench.storage.owners import Owner
from normbench.storage.run_folder import CLAIM_JSON, STUDY_JSON, SUMMARY_JSON, Run, is_finished

RESULTS = ("finished", "diverged")
STATUSES = (*RESULTS, "running", "interrupted", "failed", "stopped", "damaged")
"""Stopped: an attempt ended without a word, as when its process is killed. Damaged: the summary cannot be read."""


@dataclass(frozen=True, order=True)
class ArmFolder:
    """Where an arm's runs lie.

    Attributes:
        study: What its study's folder is called.
        is_tuning: Its runs were made to choose settings, not to be compared.
        name: What its own folder is called: the arm's label and digits of its identity.
        path: The folder.
    """

    study: str
    is_tuning: bool
    name: str
    path: str

    @classmethod
    def at(cls, path: str) -> Self:
        """Return what the folders around it say of an arm's folder."""
        folder = Path(os.path.abspath(path))  # noqa: PTH100 - a link keeps its name
        is_tuning = folder.parent.name == TUNING and not (folder.parent / STUDY_JSON).is_file()
        study = folder.parents[1] if is_tuning else folder.parent
        return cls(study.name, is_tuning, folder.name, path)

    @property
    def study_folder(self) -> Path:
        """Where its study lies."""
        return Path(os.path.normpath(f"{self.path}/{'../..' if self.is_tuning else '..'}"))

    @property
    def runs_dir(self) -> Path:
        """Where its study's runs folder lies."""
        return Path(os.path.normpath(self.study_folder / ".."))


@dataclass(frozen=True)
class RunState:
    """One run's folder.

    Attributes:
        folder: Where it lies.
        arm: What it belongs to.
        seed: Its seed.
        status: One of ``STATUSES``.
        age_s: Seconds since it ended; of a running one, since its owner's last sign of life.
        problem: What it failed of, or what is damaged.
        owner: Who makes it or made it, where it is not finished.
    """

    folder: Path
    arm: ArmFolder
    seed: int
    status: str
    age_s: float
    problem: str = ""
    owner: Owner | None = None


def run_state(arm: ArmFolder, name: str) -> RunState:
    """Look at one run; files beside its summary are not read."""
    folder = Path(arm.path, name)
    seed = int(name.partition(".")[0].removeprefix("seed-"))
    try:
        age_s = _age_s(f"{arm.path}/{name}/{SUMMARY_JSON}")
    except FileNotFoundError:
        try:
            owner = Owner.of(folder)
        except OSError as error:
            return RunState(folder, arm, seed, "damaged", 0.0, f"{folder}: must be readable, got: {error.strerror}.")
        if owner is None and is_finished(folder):  # it finished between the two looks
            return run_state(arm, name)
        return RunState(folder, arm, seed, *_unfinished(folder, owner), owner)
    except OSError as error:
        return RunState(folder, arm, seed, "damaged", 0.0, f"{folder}: must be readable, got: {error.strerror}.")
    status, problem = _result(folder, seed)
    return RunState(folder, arm, seed, status, age_s, problem)


def _result(folder: Path, seed: int) -> tuple[str, str]:
    try:
        status = Run(folder, seed).summary.get("status")
    except RunFolderError as error:
        return "damaged", str(error)
    if status in RESULTS:
        return str(status), ""
    rule = f"must say finished or diverged, got {status!r:.40}"
    return "damaged", f"{folder / SUMMARY_JSON}: status: {rule}. Delete {folder} and run its study again."


def _unfinished(folder: Path, owner: Owner | None) -> tuple[str, float, str]:
    """Return status, age and what it failed of."""
    age_s = 0.0
    for path in (folder, folder / CLAIM_JSON):
        try:
            age_s = _age_s(str(path))
        except OSError:  # there is no claim, or the folder has just been removed
            break
    if owner is None:
        return "stopped", age_s, ""
    if owner.is_alive:
        return "running", age_s, ""
    ended = owner.status if owner.status in ("interrupted", "failed") else "stopped"
    return ended, age_s, str(owner.error)


def _age_s(path: str) -> float:
    return max(0.0, time.time() - os.stat(path).st_mtime)  # noqa: PTH116 - clocks jump; ten thousand runs


@dataclass
class ArmStates:
    """The runs of one arm.

    Attributes:
        arm: Which.
        counts: Runs by status.
        age_s: Of the newest.
        owners: Who makes its runs now.
    """

    arm: ArmFolder
    counts: Counter[str] = field(default_factory=Counter)
    age_s: float = float("inf")
    owners: list[Owner] = field(default_factory=list)


def by_arm(runs: Iterable[RunState]) -> list[ArmStates]:
    """Count the runs of each arm, in the order in which arms come."""
    arms: dict[ArmFolder, ArmStates] = {}
    for run in runs:
        arm = arms.setdefault(run.arm, ArmStates(run.arm))
        arm.counts[run.status] += 1
        arm.age_s = min(arm.age_s, run.age_s)
        arm.owners += [run.owner] if run.owner and run.status == "running" else []
    return list(arms.values())
