"""What tuning chose for each arm, frozen in a file before the comparison."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from json import dumps
from pathlib import Path
from typing import Any

from normbench.errors import RunFolderError
from normbench.storage.arm_id import ArmId
from normbench.storage.files.json_files import json_ready, read_json, write_sealed_json
from normbench.storage.files.links import refuse_links
from normbench.storage.identity import NUM_SHOWN
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
    """What is to be chosen: one arm's settings as given, and the values to choose from.

    Attributes:
        arm: The arm's label.
        given: sha256 of its identity at the given settings.
        tune: Values to choose from, by setting.
        seeds: What they are tried on.
        id: The arm at its own settings, whatever they will be.
    """

    arm: str
    given: str
    tune: Mapping[str, Sequence[Any]]
    seeds: Sequence[int]
    id: ArmId = field(default_factory=ArmId)

    def path(self, study: Path) -> Path:
        """Return the file of the choice in a study's folder; other lists have another file."""
        digest = sha256(dumps(self.content(), default=str).encode()).hexdigest()
        return study / TUNING / f"{self.arm}-{digest[:NUM_SHOWN]}.json"

    def content(self) -> dict[str, Any]:
        """Return all of it but for the label: what a frozen choice must name to be its answer."""
        return {
            "given": self.given,
            "tune": {key: list(values) for key, values in self.tune.items()},
            "seeds": list(self.seeds),
            "id": self.id.to_json(),
        }


def freeze(choice: Choice, question: Question, study: Path) -> Choice:
    """Write down a choice, unless another command has done so meanwhile; return what is written down."""
    refuse_links(study / TUNING, levels=2)
    with locked(study / TUNING):
        known = frozen(question, study)
        if known:
            return known
        sweep(study / TUNING)
        frozen_at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        write_sealed_json(question.path(study), asdict(choice) | question.content() | {"frozen_at": frozen_at})
    return choice


def frozen(question: Question, study: Path) -> Choice | None:
    """Return the choice made before; None if there is none yet.

    Raises:
        RunFolderError: The file is damaged, or answers another question.
    """
    path = question.path(study)
    if not path.exists():
        return None
    (choice, _, _), said, asked = _read(path), read_json(path), json_ready(question.content())
    other = [key for key in asked if said.get(key) != asked[key]]
    if other:
        rule = f"must be the choice for {other[0]} {asked[other[0]]}"
        raise RunFolderError(f"{path}: {rule}, got {said.get(other[0])!r:.80}. Delete it, and what was run after it.")
    return choice


def choices_of(arm: ArmId, study: Path) -> list[Choice]:
    """Return what was chosen for a tuned arm, the newest first: other lists to choose from have another choice.

    Raises:
        RunFolderError: A file is damaged.
    """
    found = [_read(path) for path in (study / TUNING).glob("*.json")]
    found.sort(key=lambda one: one[1], reverse=True)
    return [choice for choice, _, of in found if of == arm]


def _read(path: Path) -> tuple[Choice, str, ArmId]:
    """Return a choice, when it was frozen, and the arm at these settings."""
    said = read_json(path)
    try:
        tried = [Tried(**one) for one in said["tried"]]
        choice = Choice(said["arm"], said["chosen"], tried, said["widened"], said["at_edge"], said["seeds"])
        return choice, str(said.get("frozen_at", "")), ArmId.from_json(said["id"])
    except (AttributeError, KeyError, TypeError) as error:
        rule = f"must be a choice as it was frozen, got {error}"
        raise RunFolderError(f"{path}: {rule}. Delete it, and what was run after it.") from None
