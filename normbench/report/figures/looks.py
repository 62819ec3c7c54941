"""Look: colour, dash and marker of an arm, by its place in its study, so that it looks the same in every picture."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from normbench.evidence.comparison.comparison import StudyComparison
from normbench.storage.run_folder import STUDY_JSON
from normbench.storage.study_folder import arm_folders, known_study

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#7F7F7F")
"""Told apart without red-green vision: Okabe and Ito (2008), grey for their yellow, which is pale on white."""
Dash = Literal["-", "--", ":"]
DASHES: tuple[Dash, ...] = ("-", "--", ":")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
MAX_LOOKS = len(COLOURS) * len(DASHES)
"""As many lines can be told apart."""


@dataclass(frozen=True)
class Look:
    """How an arm is drawn."""

    colour: str
    dash: Dash
    marker: str


Looks = Mapping[str, Look]
"""How each arm, or each value of a setting, is drawn, by its label."""


def look_of(place: int) -> Look:
    """Return the look of the arm at a place; after ``MAX_LOOKS`` they begin again.

    Example:
        >>> look_of(0), look_of(8) == look_of(32), len({look_of(i) for i in range(MAX_LOOKS)})
        (Look(colour='#0072B2', dash='-', marker='o'), True, 24)
    """
    colour, dash = place % len(COLOURS), place // len(COLOURS) % len(DASHES)
    return Look(COLOURS[colour], DASHES[dash], MARKERS[(colour + dash) % len(MARKERS)])


def looks_of(labels: Iterable[str]) -> Looks:
    """Return a look for each label, in their order."""
    return {label: look_of(place) for place, label in enumerate(dict.fromkeys(labels))}


def arm_looks(comparison: StudyComparison) -> Looks:
    """Return the look of each arm by its label: that of its place in study.json, also where some arms are left out."""
    folders = {row.arm: Path(row.folder) for row in comparison.rows}
    listed = {arm: place for place, arm in enumerate(_listed(list(folders.values())))}
    others = [arm for arm in folders if folders[arm].name not in listed]
    places = {arm: listed[folder.name] for arm, folder in folders.items() if folder.name in listed}
    places |= {arm: len(listed) + i for i, arm in enumerate(others)}
    return {arm: look_of(places[arm]) for arm in folders}


def _listed(folders: Sequence[Path]) -> list[str]:
    """Return the names of the folders of arms in the order of study.json."""
    study = known_study(folders[0].parent) if folders and (folders[0].parent / STUDY_JSON).is_file() else None
    return list(arm_folders(study).values()) if study else []
