"""What lies in a run's folder, and how it is written and read back."""

import csv
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

from normbench.errors import RunFolderError
from normbench.storage.arm_id import ArmEntry, KnownArm
from normbench.storage.files.json_files import AGAIN, is_sealed, is_unbroken, json_object, read_json, unreadable
from normbench.storage.files.reading import read_bytes
from normbench.storage.identity import NUM_SHOWN

STUDY_JSON, ARM_JSON = "study.json", "arm.json"
CONFIG_YAML, SUMMARY_JSON, ENVIRONMENT_JSON = "config.yaml", "summary.json", "environment.json"
METRICS_CSV, LAYER_STATS_CSV, CURVE_CSV, POINTS_CSV = "metrics.csv", "layer_stats.csv", "curve.csv", "points.csv"
PROBES_CSV = "probes.csv"
CLAIM_JSON, CHECKPOINT, CHECKPOINT_BEFORE = "claim.json", "checkpoint.pt", "checkpoint.before.pt"
"""Only while a run is not finished: whose it is, and where it can be gone on from."""
ERROR_TXT = "error.txt"
"""What an attempt died of, in full."""


_SEED = re.compile(r"seed-(0|[1-9][0-9]{0,18})")


def seed_of(name: str) -> int | None:
    """Return the seed of a run whose folder is called so; None if no run's is.

    Example:
        >>> seed_of("seed-12"), seed_of("seed-12.old-1"), seed_of("seed-01"), seed_of("seed-²")
        (12, None, None, None)
    """
    found = _SEED.fullmatch(name)
    return int(found[1]) if found else None


def arm_folder_name(arm: str, digits: str) -> str:
    """Return what an arm's folder is called: its label, and the first digits of its identity for the eye."""
    return f"{arm}-{digits}"


def is_finished(folder: Path) -> bool:
    """Return whether a run ended by itself; its summary is written last."""
    return os.path.exists(f"{folder}/{SUMMARY_JSON}")  # noqa: PTH110 - False where nobody may look


def problem_with(folder: Path) -> str:
    """Return what is wrong with a finished run, as a sentence; "" if every file is as the run wrote it."""
    run = Run(folder, int(folder.name.removeprefix("seed-")))
    try:
        for name in {METRICS_CSV, *run.summary.get("files", {})}:
            run.raw(name)
    except RunFolderError as error:
        return str(error).partition(". ")[0] + "."
    return ""


def digests(folder: Path) -> dict[str, str]:
    """Return the sha256 of each CSV file of a run."""
    return {path.name: sha256(read_bytes(path)).hexdigest() for path in sorted(folder.glob("*.csv"))}


@dataclass(frozen=True)
class Run:
    """One finished run, read back."""

    folder: Path
    seed: int
    identity: str | None = None
    """sha256 that its summary must name, if it matters whose run it is."""

    @cached_property
    def summary(self) -> dict[str, Any]:
        """Status, last metrics, parameters, digests.

        Raises:
            RunFolderError: Missing, damaged or changed.
        """
        path = f"{self.folder}/{SUMMARY_JSON}"
        try:
            raw = read_bytes(path)
        except OSError as error:
            raise unreadable(path, error) from None
        content = json_object(path, raw)
        may_lack_seal = "seed" not in content  # runs from before there were seals name no seed
        is_whole = is_unbroken(raw) and (is_sealed(raw) or may_lack_seal) and isinstance(content.get("files", {}), dict)
        if not is_whole or content.get("seed", self.seed) != self.seed:
            raise self._changed(path)
        if self.identity is not None and content.get("identity") != self.identity:
            found = str(content.get("identity", "that of a run of 0.1.0, which named none"))[:40]
            rule = f"must be a run of its arm, identity {self.identity[:NUM_SHOWN]}"
            raise RunFolderError(f"{path}: {rule}, got {found}. {self._again()}")
        return content

    @cached_property
    def environment(self) -> dict[str, Any]:
        """Times, versions, device; empty where it is missing, since no number rests on it."""
        path = f"{self.folder}/{ENVIRONMENT_JSON}"
        try:
            return json_object(path, read_bytes(path))
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise unreadable(path, error) from None

    def rows(self, name: str) -> list[dict[str, str]]:
        """Return the rows of one CSV file, after checking that it is what the run wrote.

        Raises:
            RunFolderError: The file is missing or was changed.
        """
        try:
            lines = csv.reader(self.raw(name).decode("utf-8").split("\n"))
            header = next(lines, [])
            return [dict(zip(header, line, strict=True)) for line in lines if line]
        except (ValueError, csv.Error) as error:
            rule = "must be a table in UTF-8"
            raise RunFolderError(f"{self.folder}/{name}: {rule}, got: {error}. {self._again()}") from None

    @cached_property
    def _checked(self) -> dict[str, bytes]:
        return {}

    def raw(self, name: str) -> bytes:
        """Return the content of one CSV file, after checking that it is what the run wrote; it is read once.

        Raises:
            RunFolderError: The file is missing or was changed.
        """
        if name not in self._checked:
            self._checked[name] = self._read_checked(name)
        return self._checked[name]

    def _read_checked(self, name: str) -> bytes:
        path = f"{self.folder}/{name}"
        wanted = self.summary.get("files", {}).get(name)
        try:
            raw = read_bytes(path)
        except OSError as error:
            raise RunFolderError(f"{path}: must be readable, got: {error.strerror}. {self._again()}") from None
        if sha256(raw).hexdigest() != wanted:
            raise self._changed(path)
        return raw

    def _changed(self, path: str) -> RunFolderError:
        return RunFolderError(f"{path}: must be as the run wrote it, got another sha256. {self._again()}")

    def _again(self) -> str:
        return f"Delete {self.folder} and run its study again."


@dataclass(frozen=True)
class Arm:
    """One arm's folder, read back.

    Attributes:
        identity: sha256 of all that decides its numbers; its runs must have the same.
        settings: Every setting under a dotted key.
        changed: Those that are not at their default.
        entry: What its study says of it; of a folder alone, that it is called so.
    """

    folder: Path
    name: str
    identity: str
    settings: Mapping[str, Any]
    changed: Sequence[str]
    runs: tuple[Run, ...]
    entry: ArmEntry | None = None

    @cached_property
    def known(self) -> KnownArm:
        """What it can be chosen by: its label, its id and what a grid sets in it."""
        return replace(self.entry or ArmEntry(self.name), label=self.name).known(self.settings)

    @property
    def seeds(self) -> tuple[int, ...]:
        """Seeds with a finished run."""
        return tuple(run.seed for run in self.runs)


def read_arm(folder: Path) -> Arm:
    """Read an arm's settings and find its finished runs.

    Raises:
        RunFolderError: arm.json is missing or damaged.
    """
    content = read_json(folder / ARM_JSON)
    try:
        return Arm(
            folder,
            content["arm"],
            content["identity"],
            content["settings"],
            content["changed"],
            tuple(_finished_runs(folder, content["identity"])),
        )
    except KeyError as error:
        rule = f"must hold {error.args[0]!r}, got {', '.join(content) or 'nothing'}"
        raise RunFolderError(f"{folder / ARM_JSON}: {rule}. {AGAIN}") from None


def _finished_runs(folder: Path, identity: str) -> Iterator[Run]:
    with os.scandir(folder) as entries:
        seeds = [seed for entry in entries if (seed := seed_of(entry.name)) is not None]
    for seed in sorted(seeds):
        path = folder / f"seed-{seed}"
        if is_finished(path):
            yield Run(path, seed, identity)
