"""What tuning chose for each arm, frozen in a file before the comparison."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from json import dumps
from pathlib import Path
from typing import Any

from normbench.errors import RunFolderError
from normbench.storage.files.json_files import read_json, write_sealed_json
from normbench.storage.files.links import refuse_links
from normbench.storage.lock import locked, sweep

TUNING = "tuning"
"""Beside the arms' folders: what tuning ran and chose."""


@dataclass(frozen=True)
class Tried:
    """One combination of values and how it did.

    Attributes:
        values: By setting, such as optimizer.lr.
        scores: Final validation loss of each tuning seed.
        median: What decides.
    """

    values: Mapping[str, Any]
    scores: Sequence[float]
    median: float


@dataclass(frozen=True)
class Choice:
    """What was chosen for one arm, and from what.

    Attributes:
        arm: Its name.
        chosen: Values by setting.
        tried: Everything that was tried, in order.
        widened: How often the lists were made longer because the best lay at an end.
        at_edge: The best still lies at an end of what was tried.
        seeds: What it was tried on; never seeds of the comparison.
    """

    arm: str
    chosen: Mapping[str, Any]
    tried: Sequence[Tried]
    widened: int
    at_edge: bool
    seeds: Sequence[int]


@dataclass(frozen=True)
class Question:
    """What is to be chosen: one arm's settings as given, and the values to choose from."""

    arm: str
    given_hash: str
    tune: Mapping[str, Sequence[Any]]
    seeds: Sequence[int]

    def path(self, study: Path) -> Path:
        """Return the file of the choice in a study's folder; other lists have another file."""
        said = dumps([self.given_hash, dict(self.tune), self.seeds], default=str)
        return study / TUNING / f"{self.arm}-{sha256(said.encode()).hexdigest()[:6]}.json"


def freeze(choice: Choice, question: Question, study: Path) -> Choice:
    """Write down a choice, unless another command has done so meanwhile; return what is written down."""
    refuse_links(study / TUNING, levels=2)
    with locked(study / TUNING):
        known = frozen(question, study)
        if known:
            return known
        sweep(study / TUNING)
        asked = {"given_hash": question.given_hash, "tune": dict(question.tune)}
        frozen_at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        write_sealed_json(question.path(study), asdict(choice) | asked | {"frozen_at": frozen_at})
    return choice


def frozen(question: Question, study: Path) -> Choice | None:
    """Return the choice made before; None if there is none yet.

    Raises:
        RunFolderError: The file is damaged.
    """
    path = question.path(study)
    if not path.exists():
        return None
    return _read(path)[0]


def choices_of(arm: str, study: Path) -> list[Choice]:
    """Return what was chosen for an arm, the newest first: other lists to choose from have another choice.

    Raises:
        RunFolderError: A file is damaged.
    """
    found = [_read(path) for path in (study / TUNING).glob("*.json")]
    found.sort(key=lambda one: one[1], reverse=True)
    return [choice for choice, _ in found if choice.arm == arm]


def _read(path: Path) -> tuple[Choice, str]:
    """Return a choice, and when it was frozen."""
    said = read_json(path)
    try:
        tried = [Tried(**one) for one in said["tried"]]
        choice = Choice(said["arm"], said["chosen"], tried, said["widened"], said["at_edge"], said["seeds"])
        return choice, str(said.get("frozen_at", ""))
    except (KeyError, TypeError) as error:
        rule = f"must be a choice as it was frozen, got {error}"
        raise RunFolderError(f"{path}: {rule}. Delete it, and what was run after it.") from None
