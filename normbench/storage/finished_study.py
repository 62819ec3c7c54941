"""FinishedStudy: what a command leaves beside a study whose runs are all finished, so that its repetition only reads.

A repeated command must print the same without the minutes or seconds of a process that trains. So what it rests on is
kept with its digests: what was asked, by which program, every file that says whether a run counts. If one of them is
another, nothing of this counts.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from normbench.errors import RunFolderError
from normbench.findings import Finding
from normbench.storage.choices import Choice, choice_from
from normbench.storage.contents.finished import FINISHED, FindingContent, FinishedContent
from normbench.storage.digests import find_damage
from normbench.storage.files.atomic import PART_PREFIX
from normbench.storage.files.json_files import has_seal, json_ready, read_raw, write_sealed_json
from normbench.storage.files.links import refuse_links
from normbench.storage.files.reading import sha256_of
from normbench.storage.run_folder import SUMMARY_JSON, seed_of

FINISHED_JSON = "finished.json"
DRAWN_FROM = "drawn_from.sha256"
"""File with the sha256 of the runs that a folder's pictures show; written last."""
DEPTH = 2
"""Folders below a study's in which files are looked at: the arms' and their runs'."""


@dataclass(frozen=True)
class FinishedRun:
    """One run that was asked for: its arm's label, the name of its arm's folder, its seed."""

    arm: str
    folder: str
    seed: int


@dataclass(frozen=True)
class Screen:
    """The lines of a report as they are printed.

    Attributes:
        shown_as: What they depend on beside the study's files: the terminal's width, options, lines printed before.
        rows: Each line, with first letter, letter behind the last and style of what is not plain in it.
    """

    shown_as: Mapping[str, Any]
    rows: Sequence[tuple[str, Sequence[tuple[int, int, str]]]]


@dataclass(frozen=True)
class FinishedStudy:
    """A study whose runs are all finished, as a command that asks for it again shows it.

    Attributes:
        runs: The runs that were asked for, in the order of the plan.
        texts: What is said before runs are made, apart from findings.
        findings: What may go wrong in its networks.
        choices: The values that tuning chose for each arm.
        end: Why no more seeds were added, and after how many; None for a study that is not run check by check.
        screen: Its report; None where it was shown as JSON alone, or rests on more than the study's folder.
    """

    runs: Sequence[FinishedRun]
    texts: Sequence[str] = ()
    findings: Sequence[Finding] = ()
    choices: Sequence[Choice] = ()
    end: Mapping[str, Any] | None = None
    screen: Screen | None = None


def write_finished(folder: Path, asked: Mapping[str, Any], study: FinishedStudy) -> None:
    """Leave a finished study in its folder; the caller holds the folder's lock.

    Args:
        folder: The study's folder.
        asked: Everything that the command was asked, in plain types, with the program that was asked.
        study: The study.

    Raises:
        OSError: The file cannot be written, or one of the study's cannot be read.
    """
    write_sealed_json(folder / FINISHED_JSON, {"asked": asked, "files": deciding_files(folder)} | asdict(study))


def read_finished(folder: Path, asked: Mapping[str, Any]) -> FinishedStudy | None:
    """Return the study in a folder if the same was asked, of the same program, and its files are as they were then.

    Every finished run in the folder has its files checked against their sha256, since reports show all of them. None
    where anything is missing, damaged or another.
    """
    path = folder / FINISHED_JSON
    try:
        refuse_links(folder)
        raw = read_raw(path)
        content = FINISHED.parse(path, raw)
        is_same = content["asked"] == json_ready(asked) and content["files"] == deciding_files(folder)
    except (OSError, RunFolderError):
        return None
    is_whole = is_same and has_seal(raw) and not any(map(find_damage, _runs_in(folder, content["files"])))
    return _from_json(content) if is_whole else None


def _runs_in(folder: Path, files: Iterable[str]) -> Iterator[Path]:
    """Yield the folders of finished runs, by the files of a study's folder."""
    for name in files:
        run = folder / name
        if run.name == SUMMARY_JSON and seed_of(run.parent.name) is not None:
            yield run.parent


def deciding_files(folder: Path) -> dict[str, str]:
    """Return the sha256 of each file that says which runs there are, which count, and whether pictures show them.

    These are all JSON files of the study, its arms and runs, claims of running commands among them, and the marks of
    pictures. A half-written file is listed too, and makes the folder another.

    Raises:
        OSError: One cannot be read.
    """
    return dict(_digests(str(folder), "", DEPTH))


def _digests(folder: str, under: str, depth: int) -> Iterator[tuple[str, str]]:
    with os.scandir(folder) as entries:
        listed = sorted(entries, key=lambda entry: entry.name)
    for entry in listed:
        name = under + entry.name
        if entry.is_dir(follow_symlinks=False):
            if depth and not entry.name.startswith("."):
                yield from _digests(entry.path, f"{name}/", depth - 1)
        elif (entry.name.endswith(".json") and entry.name != FINISHED_JSON) or entry.name == DRAWN_FROM:
            yield name, sha256_of(entry.path)
        elif entry.name.startswith(PART_PREFIX) and not entry.name.startswith(f"{PART_PREFIX}{FINISHED_JSON}"):
            yield name, ""


def _from_json(said: FinishedContent) -> FinishedStudy:
    runs = [FinishedRun(one["arm"], one["folder"], one["seed"]) for one in said["runs"]]
    findings = list(map(_finding, said["findings"]))
    choices, screen = list(map(choice_from, said["choices"])), said["screen"]
    shown = Screen(screen["shown_as"], screen["rows"]) if screen else None
    return FinishedStudy(runs, said["texts"], findings, choices, said["end"], shown)


def _finding(said: FindingContent) -> Finding:
    words = said["what"], said["figure"], said["why"], said["way_out"], said["source"]
    numbers = said["value"], said["num_seeds"], said["of_seeds"]
    return Finding(said["level"], tuple(said["layers"]), *words, tuple(said["arms"]), *numbers)
