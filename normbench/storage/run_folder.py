"""Names the files of a run's folder, and reads runs and arms back with their sha256 checked."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

from normbench.errors import OldRunsError, RunFolderError
from normbench.storage.arm_id import ArmEntry, LabelledArm
from normbench.storage.contents import tables
from normbench.storage.contents.arm import ARM
from normbench.storage.contents.csv_table import CsvTable
from normbench.storage.contents.environment import ENVIRONMENT, EnvironmentContent
from normbench.storage.contents.summary import SUMMARY, SummaryContent
from normbench.storage.files.json_files import has_seal, json_refusal, read_raw
from normbench.storage.files.links import link_refusal, refuse_links
from normbench.storage.files.reading import read_bytes, sha256_of
from normbench.storage.identity import NUM_DIGITS_SHOWN

STUDY_JSON, ARM_JSON, REPORT_HTML = "study.json", "arm.json", "report.html"
CONFIG_YAML, SUMMARY_JSON, ENVIRONMENT_JSON = "config.yaml", "summary.json", "environment.json"
METRICS_CSV, LAYER_STATS_CSV, PROBES_CSV = tables.METRICS_CSV, tables.LAYER_STATS_CSV, tables.PROBES_CSV
CURVE_CSV, POINTS_CSV, HISTOGRAMS_NPZ = tables.CURVE_CSV, tables.POINTS_CSV, "histograms.npz"
CLAIM_JSON, CHECKPOINT, CHECKPOINT_BEFORE = "claim.json", "checkpoint.pt", "checkpoint.before.pt"
"""Files of an unfinished run: which process makes it, and its newest two checkpoints."""
PICTURES = "pictures"
"""Folder of a study's pictures, beside those of its arms."""
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


def num_levels(folder: Path) -> int:
    """Return how many folders of a run's path are below the runs folder: seed, arm, study, and for tuning one more."""
    around = folder.parents[1] if len(folder.parents) > 1 else folder
    return 4 if around.name == "tuning" and not (around / STUDY_JSON).exists() else 3


def is_finished(folder: Path | str) -> bool:
    """Return whether a run has a result: its summary, which is written last; behind a link lies another's."""
    if not os.path.exists(f"{folder}/{SUMMARY_JSON}"):  # noqa: PTH110 - False where nobody may look
        return False
    return not (os.path.islink(folder) or os.path.islink(os.path.dirname(folder)))  # noqa: PTH114, PTH120 - of 50,000 runs


@dataclass(frozen=True)
class Run:
    """Reads the files of one finished run, each checked against its sha256 in the summary."""

    path: Path | str
    """The run's folder; of very many runs few are asked for it as a Path."""
    seed: int
    identity: str | None = None
    """sha256 of the identity that its summary must hold; None accepts any."""

    @property
    def folder(self) -> Path:
        """The run's folder."""
        return Path(self.path)

    def release(self) -> None:
        """Forget what was read, so that very many runs take no memory; it is read again if it is asked for again."""
        for name in ("summary", "environment", "_checked"):
            self.__dict__.pop(name, None)

    @cached_property
    def summary(self) -> SummaryContent:
        """The content of summary.json: status, last metrics, numbers of parameters, sha256 of each file that is sealed.

        Raises:
            RunFolderError: Missing, damaged, changed, or of another shape.
        """
        path = f"{self.path}/{SUMMARY_JSON}"
        raw = read_raw(path, self._way_out())
        content = SUMMARY.parse(path, raw, self._way_out())
        may_lack_seal = "seed" not in content  # older summaries have neither seal nor seed
        if not (has_seal(raw) or may_lack_seal) or content.get("seed", self.seed) != self.seed:
            raise self._changed_file(path)
        if self.identity is not None and content.get("identity") != self.identity:
            found = content.get("identity", "that of a run of 0.1.0, which named none")[:40]
            rule = f"must be a run of its arm, identity {self.identity[:NUM_DIGITS_SHOWN]}"
            raise RunFolderError(f"{path}: {rule}, got {found}. {self._way_out()}")
        return content

    @cached_property
    def environment(self) -> EnvironmentContent:
        """The content of environment.json: times, versions, device; empty where the file is missing.

        Raises:
            RunFolderError: Damaged, or of another shape.
        """
        path = f"{self.path}/{ENVIRONMENT_JSON}"
        try:
            raw = read_bytes(path)
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise json_refusal(path, error) from None
        return ENVIRONMENT.parse(path, raw)

    def table(self, name: str) -> CsvTable:
        """Return one of its CSV files, after checking its sha256.

        Raises:
            RunFolderError: The file is missing, was changed, or is no such table; so it is where a cell is read later.
        """
        return tables.read_table(name, self.raw(name), self.path, self._way_out())

    def table_if_any(self, name: str) -> CsvTable:
        """Return one of its CSV files; a table without rows where the run has no such file.

        Raises:
            RunFolderError: The file was changed, or is no such table.
        """
        return self.table(name) if self.has_file(name) else tables.NO_ROWS

    def has_file(self, name: str) -> bool:
        """Return whether the run wrote a file, by its summary; every run has written metrics.csv."""
        return name == METRICS_CSV or name in self.summary["files"]

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

    def check_files(self) -> None:
        """Check the sha256 of every file that the summary names, of whatever size.

        Raises:
            RunFolderError: A file is missing or was changed.
        """
        for name, wanted in {METRICS_CSV: "", **self.summary["files"]}.items():
            path = f"{self.path}/{name}"
            try:
                found = sha256_of(path)
            except OSError as error:
                raise self._unreadable_file(path, error) from None
            if found != wanted:
                raise self._changed_file(path)

    def _read_checked(self, name: str) -> bytes:
        path = f"{self.path}/{name}"
        wanted = self.summary["files"].get(name)
        try:
            raw = read_bytes(path)
        except OSError as error:
            raise self._unreadable_file(path, error) from None
        if sha256(raw).hexdigest() != wanted:
            raise self._changed_file(path)
        return raw

    def _unreadable_file(self, path: str, error: OSError) -> RunFolderError:
        return RunFolderError(f"{path}: must be readable, got: {error.strerror}. {self._way_out()}")

    def _changed_file(self, path: str) -> RunFolderError:
        return RunFolderError(f"{path}: must be as the run wrote it, got another sha256. {self._way_out()}")

    def _way_out(self) -> str:
        return f"Delete {self.path} and run its study again."


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

    def release(self) -> None:
        """Forget what was read of its runs."""
        for run in self.runs:
            run.release()


def read_arm(folder: Path) -> Arm:
    """Read an arm's settings and find its finished runs.

    Raises:
        OldRunsError: It was made by version 0.1.0, which gave arms no identity.
        RunFolderError: arm.json is missing or damaged; the folder, or that of a run, is a link or cannot be read.
    """
    refuse_links(folder)
    content = ARM.read(folder / ARM_JSON)
    identity = content.get("identity")
    if identity is None:
        rule, way_out = "must be an arm of normbench 0.2 or newer, got one of 0.1.0", "Run its config again."
        raise OldRunsError(f"{folder / ARM_JSON}: {rule}. {way_out}")
    runs = _runs_in(folder, identity)
    return Arm(folder, content["arm"], identity, content["settings"], content["changed"], runs)


def finished_seeds(folder: Path) -> tuple[int, ...]:
    """Return the seeds of an arm's finished runs, sorted; none where there is no folder, or nobody may look."""
    if not folder.is_dir():
        return ()
    found = (seed for seed, entry in _seed_entries(str(folder)) if is_finished(entry.path))
    return tuple(sorted(found))


def _runs_in(folder: Path, identity: str) -> tuple[Run, ...]:
    """Return an arm's finished runs, by seed.

    Raises:
        RunFolderError: The folder, or that of a run, is a link or cannot be read.
    """
    try:
        seeds = sorted(seed for seed, entry in _seed_entries(str(folder)) if _has_result(entry))
    except OSError as error:
        rule = "must be a folder this user may read"
        raise RunFolderError(f"{error.filename or folder}: {rule}, got: {error.strerror}.") from None
    return tuple(Run(f"{folder}/seed-{seed}", seed, identity) for seed in seeds)


def _seed_entries(folder: str) -> Iterator[tuple[int, os.DirEntry[str]]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            seed = seed_of(entry.name)
            if seed is not None:
                yield seed, entry


def _has_result(entry: os.DirEntry[str]) -> bool:
    """Return whether a run's folder holds a summary; refuse a link, and raise OSError where nobody may look."""
    if entry.is_symlink():
        raise link_refusal(Path(entry.path))
    try:
        os.lstat(f"{entry.path}/{SUMMARY_JSON}")
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True
