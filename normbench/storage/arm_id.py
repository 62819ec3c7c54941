"""What an arm is: a mapping of full dotted keys to values, a tuned one TUNED."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import Any

from normbench.storage.files.located import ALTERNATIVES


class Marker(Enum):
    """What an arm's setting may hold beside a value."""

    TUNED = "tuned"

    def __str__(self) -> str:
        """Return the word that labels and tables show."""
        return self.value


TUNED = Marker.TUNED
"""Chosen for each arm by itself: equal in two arms, whatever was chosen."""
ABSENT = object()
"""Of a setting that an arm does not have, such as norm.eps without a norm; null is a value."""
TUNED_JSON = {"is": "tuned"}
"""How TUNED stands in a JSON file, where no setting is a mapping."""


@dataclass(frozen=True)
class ArmId:
    """An arm of a study; two are equal if name and settings are, 1 and 1.0 alike.

    Attributes:
        name: What it is called under ``arms:``, "" where it is not.
        settings: All of them by full dotted key, as arm.json has them; what hangs below a tuned key is left out.
    """

    name: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, name: str, settings: Mapping[str, Any], tuned: Iterable[str] = ()) -> "ArmId":
        """Return the id of an arm whose tuned keys may hold what was chosen.

        Example:
            >>> ArmId.of("a", {"optimizer": "sgd", "optimizer.lr": 0.3}, ["optimizer"]).settings
            {'optimizer': <Marker.TUNED: 'tuned'>}
        """
        keys = {other for key in tuned for other in (key, ALTERNATIVES.get(key, key))}
        kept = {key: value for key, value in settings.items() if not is_at_or_below(key, keys)} if keys else settings
        return cls(name, dict(kept) | dict.fromkeys(sorted(keys), TUNED))

    @cached_property
    def tuned(self) -> frozenset[str]:
        """The tuned keys: arms of other ones are never paired."""
        return frozenset(key for key, value in self.settings.items() if value is TUNED)

    @cached_property
    def comparable(self) -> Mapping[str, object]:
        """The settings in a form whose ``==`` tells true from 1, and takes 1 for 1.0."""
        return {key: comparable(value) for key, value in self.settings.items()}

    def value(self, key: str) -> Any:
        """Return the value of a full key: TUNED also below a tuned key, ABSENT where the arm has no such setting.

        Example:
            >>> ArmId.of("", {"norm": "none"}, ["optimizer"]).value("optimizer.lr")
            <Marker.TUNED: 'tuned'>
        """
        if key not in self.settings and self.tuned and is_at_or_below(key, self.tuned):
            return TUNED
        return self.settings.get(key, ABSENT)

    def to_json(self) -> dict[str, Any]:
        """Return name and settings for a JSON file."""
        said = {key: TUNED_JSON if value is TUNED else value for key, value in self.settings.items()}
        return {"name": self.name, "settings": said}

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> "ArmId":
        """Read what ``to_json`` returned; KeyError, TypeError or AttributeError where it is something else."""
        settings = {key: TUNED if value == TUNED_JSON else value for key, value in said["settings"].items()}
        return cls(str(said["name"]), settings)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ArmId) and self.name == other.name and self.comparable == other.comparable

    def __hash__(self) -> int:
        return hash((self.name, frozenset(self.comparable.items())))


def comparable(value: Any) -> object:
    """Return a setting's value so that ``==`` compares it as a config means it.

    Example:
        >>> comparable(1) == comparable(1.0), comparable(True) == comparable(1), comparable([4, 8]) == comparable("4 8")
        (True, False, True)
    """
    if isinstance(value, bool):
        return ("bool", value)
    return " ".join(map(str, value)) if isinstance(value, list | tuple) else value


def is_at_or_below(key: str, keys: Iterable[str]) -> bool:
    """Return whether a key is one of some keys, or a setting of a part that is.

    Example:
        >>> is_at_or_below("optimizer.lr", ["optimizer"]), is_at_or_below("batch_size", ["optimizer.lr"])
        (True, False)
    """
    return any(key == other or key.startswith(f"{other}.") for other in keys)


@dataclass(frozen=True)
class ArmEntry:
    """What a study says of one of its arms beside its settings, kept in study.json.

    Attributes:
        label: What it is called in tables and folders; never read back.
        name: What it is called under ``arms:``, "" where it is not.
        sets: What ``grid:``, ``zip:`` and ``--vary`` set in it, by full dotted key.
        tuned: The keys whose values were chosen for it.
    """

    label: str
    name: str = ""
    sets: Mapping[str, Any] = field(default_factory=dict)
    tuned: Sequence[str] = ()

    def known(self, settings: Mapping[str, Any]) -> "KnownArm":
        """Return the arm with its settings."""
        return KnownArm(self.label, ArmId.of(self.name, settings, self.tuned), self.sets)

    def to_json(self) -> dict[str, Any]:
        """Return the entry for study.json."""
        return {"arm": self.label, "name": self.name, "sets": dict(self.sets), "tuned": list(self.tuned)}

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> "ArmEntry":
        """Read an entry of study.json; what it does not say is empty."""
        return cls(
            str(said["arm"]), str(said.get("name", "")), dict(said.get("sets", {})), tuple(said.get("tuned", ()))
        )


@dataclass(frozen=True)
class KnownArm:
    """An arm that can be chosen: its label for people, its id, and what a grid sets in it."""

    label: str
    id: ArmId
    sets: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ArmSet:
    """The arms of a study, and which keys make them.

    Attributes:
        arms: In the study's order.
        axes: The keys of ``grid:``, ``zip:`` and ``--vary``, in full.
        named: The keys that arms under ``arms:`` set: what hangs on an arm's name.
    """

    arms: Sequence[KnownArm]
    axes: Sequence[str] = ()
    named: Sequence[str] = ()

    @cached_property
    def own_keys(self) -> Sequence[str]:
        """The keys that the study itself sets in its arms, those of a part's variants included."""
        return list(dict.fromkeys([*self.axes, *(key for arm in self.arms for key in arm.sets), *self.named]))

    @cached_property
    def keys(self) -> Sequence[str]:
        """All keys of all arms."""
        return list(dict.fromkeys(key for arm in self.arms for key in arm.id.settings))

    @cached_property
    def differing(self) -> Sequence[str]:
        """The keys in which the arms differ."""
        ids = [arm.id for arm in self.arms]
        return [key for key in self.keys if len({comparable(one.value(key)) for one in ids}) > 1]
