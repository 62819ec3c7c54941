"""What lies in a run's folder, and how it is written and read back."""

import csv
import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

from normbench.errors import RunFolderError

STUDY_JSON, ARM_JSON = "study.json", "arm.json"
CONFIG_YAML, SUMMARY_JSON, ENVIRONMENT_JSON = "config.yaml", "summary.json", "environment.json"
METRICS_CSV, LAYER_STATS_CSV, CURVE_CSV, POINTS_CSV = "metrics.csv", "layer_stats.csv", "curve.csv", "points.csv"
PROBES_CSV = "probes.csv"
CLAIM_JSON, CHECKPOINT, CHECKPOINT_BEFORE = "claim.json", "checkpoint.pt", "checkpoint.before.pt"
"""Only while a run is not finished: whose it is, and where it can be gone on from."""

AGAIN = "Delete this file and run its config again."
"""The way out of a damaged JSON file: what is there is trusted, what is missing is made anew."""


def seed_folder(runs_dir: Path, study: str, arm: str, arm_hash: str, seed: int) -> Path:
    """Return where one run lives: ``<runs>/<study>/<arm>-<hash>/seed-<n>``."""
    return runs_dir / study / f"{arm}-{arm_hash}" / f"seed-{seed}"


def is_finished(folder: Path) -> bool:
    """Return whether a run ended by itself; its summary is written last."""
    return (folder / SUMMARY_JSON).is_file()


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write JSON by rename, so that no one reads half of it; equal content gives equal bytes."""
    write_text(path, json.dumps(json_ready(content), indent=2) + "\n")


def write_sealed_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write JSON as ``write_json`` does, its own sha256 as its last entry: that of the bytes before this entry."""
    body = json.dumps(json_ready(content), indent=2).removesuffix("\n}")
    write_text(path, f"{body}{_SEAL}{sha256(body.encode()).hexdigest()}{_END}")


_SEAL, _END = ',\n  "sha256": "', '"\n}\n'


def write_text(path: Path, text: str) -> None:
    """Write a file by rename, so that no one reads half of it."""
    part = path.with_suffix(f".part-{os.getpid()}")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def _is_unbroken(raw: bytes) -> bool:
    """Return whether a sealed file is as it was written; one without a seal, from before there were any, may be."""
    body, seal, end = raw.rpartition(_SEAL.encode())
    return not seal or end == f"{sha256(body).hexdigest()}{_END}".encode()


def json_ready(value: Any) -> Any:
    """Replace numbers that JSON cannot say, inf and nan, by null."""
    if isinstance(value, Mapping):
        return {key: json_ready(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [json_ready(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        RunFolderError: Missing or damaged.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from None
    content = _json_object(path, raw)
    if not _is_unbroken(raw):
        raise RunFolderError(f"{path}: must be as it was written, got another sha256. {AGAIN}")
    return content


def _json_object(path: str | Path, raw: bytes) -> dict[str, Any]:
    try:
        content = json.loads(raw.decode("utf-8"))
    except ValueError as error:
        raise _unreadable(path, error) from None
    if not isinstance(content, dict):
        raise RunFolderError(f"{path}: must be a JSON object, got a {type(content).__name__}. {AGAIN}")
    return content


def _unreadable(path: str | Path, error: OSError | ValueError) -> RunFolderError:
    problem = getattr(error, "strerror", None) or str(error)
    return RunFolderError(f"{path}: must be readable JSON, got: {problem}. {AGAIN}")


def problem_with(folder: Path) -> str:
    """Return what is wrong with a finished run, as a sentence; "" if every file is as the run wrote it."""
    run = Run(folder, int(folder.name.removeprefix("seed-")))
    try:
        for name in run.summary.get("files", {}):
            run.raw(name)
    except RunFolderError as error:
        return str(error).partition(". ")[0] + "."
    return ""


def digests(folder: Path) -> dict[str, str]:
    """Return the sha256 of each CSV file of a run."""
    return {path.name: sha256(path.read_bytes()).hexdigest() for path in sorted(folder.glob("*.csv"))}


def _read_bytes(path: str) -> bytes:
    """Read a file by its text path: of ten thousand runs, pathlib's part of the time is seen."""
    with open(path, "rb") as file:  # noqa: PTH123
        return file.read()


@dataclass(frozen=True)
class Run:
    """One finished run, read back."""

    folder: Path
    seed: int

    @cached_property
    def summary(self) -> dict[str, Any]:
        """Status, last metrics, parameters, digests.

        Raises:
            RunFolderError: Missing, damaged or changed.
        """
        path = f"{self.folder}/{SUMMARY_JSON}"
        try:
            raw = _read_bytes(path)
        except OSError as error:
            raise _unreadable(path, error) from None
        content = _json_object(path, raw)
        is_sealed = _SEAL.encode() in raw or "seed" not in content  # runs from before there were seals name no seed
        if not _is_unbroken(raw) or not is_sealed or content.get("seed", self.seed) != self.seed:
            raise self._changed(path)
        return content

    @cached_property
    def environment(self) -> dict[str, Any]:
        """Times, versions, device; empty where it is missing, since no number rests on it."""
        path = f"{self.folder}/{ENVIRONMENT_JSON}"
        try:
            return _json_object(path, _read_bytes(path))
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise _unreadable(path, error) from None

    def rows(self, name: str) -> list[dict[str, str]]:
        """Return the rows of one CSV file, after checking that it is what the run wrote.

        Raises:
            RunFolderError: The file is missing or was changed.
        """
        lines = csv.reader(self.raw(name).decode("utf-8").splitlines())
        header = next(lines, [])
        return [dict(zip(header, line, strict=True)) for line in lines if line]

    def raw(self, name: str) -> bytes:
        """Return the content of one CSV file, after checking that it is what the run wrote.

        Raises:
            RunFolderError: The file is missing or was changed.
        """
        path = f"{self.folder}/{name}"
        wanted = self.summary.get("files", {}).get(name)
        try:
            raw = _read_bytes(path)
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
        settings: Every setting under a dotted key.
        changed: Those that are not at their default.
    """

    folder: Path
    name: str
    hash: str
    settings: Mapping[str, Any]
    changed: Sequence[str]
    runs: tuple[Run, ...]

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
            content["hash"],
            content["settings"],
            content["changed"],
            tuple(_finished_runs(folder)),
        )
    except KeyError as error:
        rule = f"must hold {error.args[0]!r}, got {', '.join(content) or 'nothing'}"
        raise RunFolderError(f"{folder / ARM_JSON}: {rule}. {AGAIN}") from None


def _finished_runs(folder: Path) -> Iterator[Run]:
    with os.scandir(folder) as entries:
        seeds = [entry.name[5:] for entry in entries if entry.name.startswith("seed-") and entry.name[5:].isdigit()]
    for seed in sorted(map(int, seeds)):
        path = folder / f"seed-{seed}"
        if is_finished(path):
            yield Run(path, seed)
