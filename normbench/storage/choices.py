"""Stores what tuning chose for each arm, in a file that is written before the comparison and never changed."""

import math
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from json import dumps
from pathlib import Path
from typing import Any

from normbench.errors import RunFolderError
from normbench.storage.arm_id import ArmId, LabelledArm
from normbench.storage.contents.choice import CHOICE, ChoiceContent, ChoiceFields
from normbench.storage.files.json_files import json_ready, write_sealed_json
from normbench.storage.files.links import refuse_links
from normbench.storage.identity import NUM_DIGITS_SHOWN
from normbench.storage.lock import locked, remove_part_files
from normbench.storage.resolved_settings import flatten

TUNING = "tuning"
"""The folder of tuning runs and choices, beside the folders of the arms."""
RUNNER_UP = "-runner-up"
"""Ends the name of the study in which each tuned arm runs at its second-best values."""
TUNING_SENSITIVITY = "--tuning-sensitivity"
"""The option that makes this study; it stands in its study.json."""


@dataclass(frozen=True)
class Trial:
    """One combination of values that tuning tried, with its losses.

    Attributes:
        values: The values by setting, such as optimizer.lr.
        scores: Final validation loss of each tuning seed.
        median: Median of the scores; the lowest one is chosen.
    """

    values: Mapping[str, Any]
    scores: Sequence[float]
    median: float


@dataclass(frozen=True)
class Choice:
    """The values that tuning chose for one arm, and all trials.

    Attributes:
        arm: The arm's label.
        chosen: The chosen values by setting.
        tried: All trials, in order.
        widened: How often the lists were made longer because the best value was their first or last.
        at_edge: Whether the best value is still the first or last of its list.
        seeds: Seeds of the trials; never seeds of the comparison.
    """

    arm: str
    chosen: Mapping[str, Any]
    tried: Sequence[Trial]
    widened: int
    at_edge: bool
    seeds: Sequence[int]


@dataclass(frozen=True)
class TuningSearch:
    """What tuning searches for one arm: the settings it starts from, and the values to try.

    Attributes:
        arm: The arm's label.
        given: sha256 of the arm's identity before tuning.
        tune: Values to try, by setting.
        seeds: Seeds of the trials.
        id: The id of the tuned arm, with TUNED for the tuned keys.
    """

    arm: str
    given: str
    tune: Mapping[str, Sequence[Any]]
    seeds: Sequence[int]
    id: ArmId = field(default_factory=ArmId)

    def path(self, study: Path) -> Path:
        """Return the file of the choice in a study's folder; each set of lists has its own file."""
        digest = sha256(dumps(self.content(), default=str).encode()).hexdigest()
        return study / TUNING / f"{self.arm}-{digest[:NUM_DIGITS_SHOWN]}.json"

    def content(self) -> dict[str, Any]:
        """Return everything but the label; the file of a choice must hold the same to belong to this search."""
        return {
            "given": self.given,
            "tune": {key: list(values) for key, values in self.tune.items()},
            "seeds": list(self.seeds),
            "id": self.id.to_json(),
        }


def write_choice(choice: Choice, search: TuningSearch, study: Path) -> Choice:
    """Write a choice to its file and return it; where another command wrote one first, return that one."""
    refuse_links(study / TUNING, levels=2)
    with locked(study / TUNING):
        known = read_choice(search, study)
        if known:
            return known
        remove_part_files(study / TUNING)
        frozen_at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        write_sealed_json(search.path(study), asdict(choice) | search.content() | {"frozen_at": frozen_at})
    return choice


def read_choice(search: TuningSearch, study: Path) -> Choice | None:
    """Read the choice of a search; return None if there is none yet.

    Raises:
        RunFolderError: The file is damaged, or holds the choice of another search.
    """
    path = search.path(study)
    if not os.path.lexists(path):
        return None
    content, asked = _read(path), json_ready(search.content())
    other = [key for key in asked if content.get(key) != asked[key]]
    if other:
        rule = f"must be the choice for {other[0]} {asked[other[0]]}"
        raise RunFolderError(
            f"{path}: {rule}, got {content.get(other[0])!r:.80}. Delete it, and what was run after it."
        )
    return choice_from(content)


@dataclass(frozen=True)
class StoredChoice:
    """A choice with the lists that were searched for it."""

    choice: Choice
    tune: Mapping[str, Sequence[Any]]


def read_choices(study: Path) -> dict[ArmId, list[StoredChoice]]:
    """Read all choices of a study by tuned arm: one per set of lists, the newest first.

    Raises:
        RunFolderError: A file is damaged.
    """
    read = [_read(path) for path in (study / TUNING).glob("*.json")]
    found: dict[ArmId, list[StoredChoice]] = {}
    for said in sorted(read, key=lambda one: one.get("frozen_at", ""), reverse=True):
        if "id" in said:  # version 0.1.0 wrote none: its choices are of no arm of now
            of = ArmId.from_json(said["id"])
            found.setdefault(of, []).append(StoredChoice(choice_from(said), said["tune"]))
    return found


def choice_of(
    arm: LabelledArm,
    settings: Mapping[str, Any],
    tune: Mapping[str, Sequence[Any]],
    stored: Mapping[ArmId, Sequence[StoredChoice]],
) -> Choice | None:
    """Return the choice that gave a tuned arm its values; None if there is none.

    Args:
        arm: The tuned arm.
        settings: Its settings, as in arm.json.
        tune: The lists of the study as it was last run, whose choice is preferred; after it the newest.
        stored: All choices of the study.
    """
    mine = [one for one in stored.get(arm.id, ()) if are_set(one.choice.chosen, settings)]
    return next((one.choice for one in sorted(mine, key=lambda one: one.tune != tune)), None)


def are_set(values: Mapping[str, Any], settings: Mapping[str, Any]) -> bool:
    """Return whether an arm's settings hold these values.

    Example:
        >>> norm = {"name": "group_norm", "num_groups": 2}
        >>> are_set({"norm": norm}, {"norm": "group_norm", "norm.num_groups": 2, "l1": 0.0}), are_set({"l1": 1}, {})
        (True, False)
    """
    return {key.removesuffix(".name"): value for key, value in flatten(values).items()}.items() <= settings.items()


def choice_from(said: ChoiceFields) -> Choice:
    """Return a choice as its file says it; of a run that diverged null stands for its loss, nan."""
    tried = [
        Trial(one["values"], [_loss(score) for score in one["scores"]], _loss(one["median"])) for one in said["tried"]
    ]
    return Choice(said["arm"], said["chosen"], tried, said["widened"], said["at_edge"], said["seeds"])


def _loss(value: float | None) -> float:
    return math.nan if value is None else value


def _read(path: Path) -> ChoiceContent:
    refuse_links(path.parent)
    return CHOICE.read(path, "Delete it, and what was run after it.")
