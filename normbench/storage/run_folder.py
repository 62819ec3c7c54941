"""Names the files of a run's folder, and reads runs and arms back with their sha256 checked."""

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
from normbench.storage.arm_id import ArmEntry, LabelledArm
from normbench.storage.files.json_files import (
    DELETE_AND_RERUN,
    has_seal,
    json_refusal,
    parse_json_object,
    read_json,
    seal_matches,
)
from normbench.storage.files.reading import read_bytes
from normbench.storage.identity import NUM_DIGITS_SHOWN

STUDY_JSON, ARM_JSON = "study.json", "arm.json"
CONFIG_YAML, SUMMARY_JSON, ENVIRONMENT_JSON = "config.yaml", "summary.json", "environment.json"
METRICS_CSV, LAYER_STATS_CSV, CURVE_CSV, POINTS_CSV = "metrics.csv", "layer_stats.csv", "curve.csv", "points.csv"
PROBES_CSV, HISTOGRAMS_NPZ = "probes.csv", "histograms.npz"
CLAIM_JSON, CHECKPOINT, CHECKPOINT_BEFORE = "claim.json", "checkpoint.pt", "checkpoint.before.pt"
"""Files of an unfinished run: which process makes it, and its newest two checkpoints."""
ERROR_TXT = "error.txt"
"""Full traceback of a failed attempt."""


_SEED = re.compile(r"seed-(0|[1-9][0-9]{0,18})")


def seed_of(name: str) -> int | None:
    """Return the seed in the name of a run's folder; None for any other name.

    Example:
        >>> seed_of("seed-12"), seed_of("seed-12.old-1"), seed_of("seed-01"), seed_of("seed-²")
        (12, None, None, None)
    """
    found = _SEED.fullmatch(name)
    return int(found[1]) if found else None


def arm_folder_name(arm: str, digits: str) -> str:
    """Return the name of an arm's folder: its label and the first digits of its identity."""
    return f"{arm}-{digits}"


def is_finished(folder: Path) -> bool:
    """Return whether a run has a result: its summary, which is written last."""
    return os.path.exists(f"{folder}/{SUMMARY_JSON}")  # noqa: PTH110 - False where nobody may look


def find_damage(folder: Path) -> str:
    """Return which file of a finished run is missing or changed, as a sentence; "" if none is."""
    run = Run(folder, int(folder.name.removeprefix("seed-")))
    try:
        for name in {METRICS_CSV, *run.summary.get("files", {})}:
            run.raw(name)
    except RunFolderError as error:
        return str(error).partition(". ")[0] + "."
    return ""


def csv_digests(folder: Path) -> dict[str, str]:
    """Return the sha256 of each CSV file of a run."""
    return {path.name: sha256(read_bytes(path)).hexdigest() for path in sorted(folder.glob("*.csv"))}


def sealed_digests(folder: Path) -> dict[str, str]:
    """Return the sha256 of each file of a run whose damage is found by it: the CSV files and the histograms."""
    path = folder / HISTOGRAMS_NPZ
    histograms = {path.name: sha256(read_bytes(path)).hexdigest()} if path.exists() else {}
    return csv_digests(folder) | histograms


@dataclass(frozen=True)
class Run:
    """Reads the files of one finished run, each checked against its sha256 in the summary."""

    folder: Path
    seed: int
    identity: str | None = None
    """sha256 of the identity that its summary must hold; None accepts any."""

    @cached_property
    def summary(self) -> dict[str, Any]:
        """The content of summary.json: status, last metrics, numbers of parameters, sha256 of each file that is sealed.

        Raises:
            RunFolderError: Missing, damaged or changed.
        """
        path = f"{self.folder}/{SUMMARY_JSON}"
        try:
            raw = read_bytes(path)
        except OSError as error:
            raise json_refusal(path, error) from None
        content = parse_json_object(path, raw)
        may_lack_seal = "seed" not in content  # older summaries have neither seal nor seed
        is_whole = seal_matches(raw) and (has_seal(raw) or may_lack_seal) and isinstance(content.get("files", {}), dict)
        if not is_whole or content.get("seed", self.seed) != self.seed:
            raise self._changed_file(path)
        if self.identity is not None and content.get("identity") != self.identity:
            found = str(content.get("identity", "that of a run of 0.1.0, which named none"))[:40]
            rule = f"must be a run of its arm, identity {self.identity[:NUM_DIGITS_SHOWN]}"
            raise RunFolderError(f"{path}: {rule}, got {found}. {self._way_out()}")
        return content

    @cached_property
    def environment(self) -> dict[str, Any]:
        """The content of environment.json: times, versions, device; empty where the file is missing."""
        path = f"{self.folder}/{ENVIRONMENT_JSON}"
        try:
            return parse_json_object(path, read_bytes(path))
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise json_refusal(path, error) from None

    def rows(self, name: str) -> list[dict[str, str]]:
        """Return the rows of one CSV file, after checking its sha256.

        Raises:
            RunFolderError: The file is missing or was changed.
        """
        try:
            lines = csv.reader(self.raw(name).decode("utf-8").split("\n"))
            header = next(lines, [])
            return [dict(zip(header, line, strict=True)) for line in lines if line]
        except (ValueError, csv.Error) as error:
            rule = "must be a table in UTF-8"
            raise RunFolderError(f"{self.folder}/{name}: {rule}, got: {error}. {self._way_out()}") from None

    @cached_property
    def _checked(self) -> dict[str, bytes]:
        return {}

    def raw(self, name: str) -> bytes:
        """Return the content of a CSV file or of the histograms, after checking its sha256; each file is read once.

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
            raise RunFolderError(f"{path}: must be readable, got: {error.strerror}. {self._way_out()}") from None
        if sha256(raw).hexdigest() != wanted:
            raise self._changed_file(path)
        return raw

    def _changed_file(self, path: str) -> RunFolderError:
        return RunFolderError(f"{path}: must be as the run wrote it, got another sha256. {self._way_out()}")

    def _way_out(self) -> str:
        return f"Delete {self.folder} and run its study again."


@dataclass(frozen=True)
class Arm:
    """One arm's folder with its finished runs.

    Attributes:
        identity: sha256 of the arm's identity; its runs must have the same.
        settings: Every setting under a dotted key.
        changed: Keys of the settings that are not at their default.
        entry: The arm's entry in study.json; None where the folder was read without its study.
    """

    folder: Path
    name: str
    identity: str
    settings: Mapping[str, Any]
    changed: Sequence[str]
    runs: tuple[Run, ...]
    entry: ArmEntry | None = None

    @cached_property
    def labelled(self) -> LabelledArm:
        """The arm as selectors choose from: its label, its id and the values that a grid sets in it."""
        return replace(self.entry or ArmEntry(self.name), label=self.name).with_settings(self.settings)

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
        raise RunFolderError(f"{folder / ARM_JSON}: {rule}. {DELETE_AND_RERUN}") from None


def _finished_runs(folder: Path, identity: str) -> Iterator[Run]:
    for seed in finished_seeds(folder):
        yield Run(folder / f"seed-{seed}", seed, identity)


def finished_seeds(folder: Path) -> tuple[int, ...]:
    """Return the seeds of an arm's finished runs, sorted; none where there is no folder."""
    if not folder.is_dir():
        return ()
    with os.scandir(folder) as entries:
        seeds = [seed for entry in entries if (seed := seed_of(entry.name)) is not None]
    return tuple(seed for seed in sorted(seeds) if is_finished(folder / f"seed-{seed}"))
