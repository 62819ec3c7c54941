"""ArmId: an arm's name and its settings by full dotted key, with a marker in place of each tuned value."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import Any

from normbench.storage.contents.choice import IdContent
from normbench.storage.contents.study import ArmEntryContent
from normbench.storage.files.located import ALTERNATIVES


class Marker(Enum):
    """Stands for the value of a setting that has no fixed one."""

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
    """The name and the settings of an arm; two are equal if both are equal, where 1 equals 1.0 and not true.

    Attributes:
        name: The arm's name under ``arms:``; "" in a grid and in a file without arms.
        settings: All settings by full dotted key, as in arm.json; a tuned key holds TUNED, keys below it are left out.
    """

    name: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, name: str, settings: Mapping[str, Any], tuned: Iterable[str] = ()) -> "ArmId":
        """Return an id with TUNED in place of every tuned key's value.

        Example:
            >>> ArmId.of("a", {"optimizer": "sgd", "optimizer.lr": 0.3}, ["optimizer"]).settings
            {'optimizer': <Marker.TUNED: 'tuned'>}
        """
        keys = {other for key in tuned for other in (key, ALTERNATIVES.get(key, key))}
        kept = {key: value for key, value in settings.items() if not is_at_or_below(key, keys)} if keys else settings
        return cls(name, dict(kept) | dict.fromkeys(sorted(keys), TUNED))

    @cached_property
    def tuned(self) -> frozenset[str]:
        """The tuned keys; arms with different tuned keys are never paired."""
        return frozenset(key for key, value in self.settings.items() if value is TUNED)

    @cached_property
    def comparable(self) -> Mapping[str, object]:
        """The settings in a form in which 1 equals 1.0 and differs from true."""
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
        settings = {key: TUNED_JSON if value is TUNED else value for key, value in self.settings.items()}
        return {"name": self.name, "settings": settings}

    @classmethod
    def from_json(cls, content: IdContent) -> "ArmId":
        """Read what ``to_json`` returned."""
        settings = {key: TUNED if value == TUNED_JSON else value for key, value in content["settings"].items()}
        return cls(content["name"], settings)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ArmId) and self.name == other.name and self.comparable == other.comparable

    def __hash__(self) -> int:
        return hash((self.name, frozenset(self.comparable.items())))


def comparable(value: Any) -> object:
    """Return a setting's value in a form that ``==`` compares as YAML means it.

    Example:
        >>> comparable(1) == comparable(1.0), comparable(True) == comparable(1), comparable([4, 8]) == comparable("4 8")
        (True, False, True)
    """
    if isinstance(value, bool):
        return ("bool", value)
    if isinstance(value, Mapping):
        return ("mapping", *sorted((str(key), str(comparable(one))) for key, one in value.items()))
    return " ".join(map(str, value)) if isinstance(value, list | tuple) else value


def is_at_or_below(key: str, keys: Iterable[str]) -> bool:
    """Return whether a key is one of ``keys`` or lies below one of them.

    Example:
        >>> is_at_or_below("optimizer.lr", ["optimizer"]), is_at_or_below("batch_size", ["optimizer.lr"])
        (True, False)
    """
    return any(key == other or key.startswith(f"{other}.") for other in keys)


@dataclass(frozen=True)
class ArmEntry:
    """One arm as study.json lists it; its settings are in arm.json.

    Attributes:
        label: Text for tables and folder names; never parsed.
        name: The arm's name under ``arms:``; "" in a grid and in a file without arms.
        sets: Values that ``grid:``, ``zip:`` and ``--vary`` set, by full dotted key.
        tuned: Keys whose values are chosen by tuning.
    """

    label: str
    name: str = ""
    sets: Mapping[str, Any] = field(default_factory=dict)
    tuned: Sequence[str] = ()

    def with_settings(self, settings: Mapping[str, Any]) -> "LabelledArm":
        """Return the arm with its label and its id, which needs its settings."""
        return LabelledArm(self.label, ArmId.of(self.name, settings, self.tuned), self.sets)

    def to_json(self) -> dict[str, Any]:
        """Return the entry for study.json."""
        return {"arm": self.label, "name": self.name, "sets": dict(self.sets), "tuned": list(self.tuned)}

    @classmethod
    def from_json(cls, content: ArmEntryContent) -> "ArmEntry":
        """Read an entry of study.json; keys that are missing there stay empty."""
        return cls(content["arm"], content.get("name", ""), content.get("sets", {}), content.get("tuned", ()))


@dataclass(frozen=True)
class LabelledArm:
    """An arm as selectors choose from: its label for people, its id, and the values that a grid sets in it."""

    label: str
    id: ArmId
    sets: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ArmSet:
    """The arms of a study, and the keys in which the study varies them.

    Attributes:
        arms: All arms, in the study's order.
        axes: Full keys of ``grid:``, ``zip:`` and ``--vary``.
        named: Full keys that the arms under ``arms:`` set.
    """

    arms: Sequence[LabelledArm]
    axes: Sequence[str] = ()
    named: Sequence[str] = ()

    @cached_property
    def set_keys(self) -> Sequence[str]:
        """The keys that the study sets in its arms, including the settings of a part's variants."""
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
