"""Reads arms, grid, zip and --vary as axes of alternatives, and combines them to the arms of a study."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

from normbench.errors import ConfigError
from normbench.storage.arm_id import ArmEntry, comparable
from normbench.storage.arm_labels import label_words, short_keys, unique_labels
from normbench.storage.files.located import Loc, Located
from normbench.storage.files.yaml_file import read_assignment

MAX_ARMS = 10_000


@dataclass(frozen=True)
class Alternative:
    """One choice on an axis: the settings it changes, and its name under ``arms:`` ("" on other axes)."""

    change: Located
    name: str = ""


Axis = list[Alternative]
"""Alternatives, of which every arm takes one."""


def arms_axis(arms: Mapping[str, dict[str, Any] | None], located: Located) -> Axis:
    """Return one axis with an alternative per named arm under ``arms:``."""
    places = _places_by_prefix(located, 2)
    return [Alternative(Located(change or {}, places.get(("arms", name), {})), name) for name, change in arms.items()]


def grid_axes(grid: Mapping[str, list[Any]], located: Located) -> list[Axis]:
    """Return one axis per key of ``grid:``, with an alternative per value."""
    places = _places_by_prefix(located, 3)
    return [
        [Alternative(_setting_at(places, ("grid", key, i), value)) for i, value in enumerate(values)]
        for key, values in grid.items()
    ]


def zip_axis(coupled: Mapping[str, list[Any]], located: Located) -> Axis:
    """Return one axis for ``zip:``, whose alternatives each set all its keys.

    Raises:
        ConfigError: The lists differ in length.
    """
    lengths = {key: len(values) for key, values in coupled.items()}
    if len(set(lengths.values())) > 1:
        rule = f"must hold lists of one length, got {lengths}"
        raise ConfigError([f"{located.place(('zip',))}: zip: {rule}. Make them equal."])
    axis: Axis = []
    grouped = _places_by_prefix(located, 3)
    for i in range(min(lengths.values())):
        parts = {key: _setting_at(grouped, ("zip", key, i), values[i]) for key, values in coupled.items()}
        places = {loc: place for part in parts.values() for loc, place in part.places.items()}
        axis.append(Alternative(Located({key: values[i] for key, values in coupled.items()}, places)))
    return axis


def vary_axis(text: str) -> Axis:
    """Return one axis for ``--vary KEY=A,B``, with an alternative per value.

    Raises:
        ConfigError: The text is not KEY=A,B, or gives a value twice.
    """
    key, equals, values = text.partition("=")
    key = key.strip()
    if not equals or not key or not values.strip():
        raise ConfigError([f"--vary {text}: must be KEY=A,B, got {text!r}. Example: --vary norm=none,batch_norm"])
    listed = read_assignment("--vary", f"{key}=[{values}]", shown=text).data[key]
    if not listed:
        raise ConfigError([f"--vary {text}: must be KEY=A,B, got {text!r}. Example: --vary norm=none,batch_norm"])
    refuse_too_many_arms(len(listed), f"--vary {key}")
    repeated = first_repeated([flat_change({key: value}) for value in listed])
    if repeated:
        words = ",".join(label_words("", repeated, short_keys(repeated)))
        raise ConfigError([f"--vary {text}: must give each value once, got {words!r} twice. Remove one of them."])
    places: dict[Loc, str] = {(key,): f"--vary {text}"}
    return [Alternative(Located({key: value}, places)) for value in listed]


@dataclass(frozen=True)
class CombinedArms:
    """The arms of a study before they are checked: settings and entry by label, and the keys that the study varies."""

    settings: Mapping[str, Located]
    entries: Mapping[str, ArmEntry]
    axes: Sequence[str]
    named: Sequence[str]


def combine_axes(base: Located, axes: Sequence[Axis], plain_label: str, other_keys: Sequence[str] = ()) -> CombinedArms:
    """Return every arm: the base changed by one alternative of each axis.

    Args:
        base: Settings that all arms share.
        axes: Axes of alternatives.
        plain_label: The label of a single arm without changes.
        other_keys: Further keys of the study; a short key in a label must differ from theirs too.

    Raises:
        ConfigError: There are too many arms, or two have the same label.
    """
    refuse_too_many_arms(prod(len(axis) for axis in axes), base.place(()))
    combinations = list(product(*axes))
    names = ["".join(one.name for one in combination) for combination in combinations]
    sets = [_merge_changes([one.change.data for one in combination if not one.name]) for combination in combinations]
    named = _changed_keys([one.change.data for axis in axes for one in axis if one.name])
    free = _changed_keys([one.change.data for axis in axes for one in axis if not one.name])
    short = short_keys(dict.fromkeys([*free, *named, *map(full_key, other_keys)]))
    labels = unique_labels(list(zip(names, sets, strict=True)), short, plain_label)
    _refuse_equal_labels(labels, base)
    settings = [_apply_changes(base, combination) for combination in combinations]
    entries = [ArmEntry(*fields) for fields in zip(labels, names, sets, strict=True)]
    axis_keys = [full_key(key) for axis in axes for one in axis if not one.name for key in one.change.data]
    by_label = dict(zip(labels, settings, strict=True)), dict(zip(labels, entries, strict=True))
    return CombinedArms(*by_label, list(dict.fromkeys(axis_keys)), named)


def refuse_too_many_arms(number: int, place: str) -> None:
    """Refuse more arms than a study may have.

    Raises:
        ConfigError: There are too many.
    """
    if number > MAX_ARMS:
        raise ConfigError([f"{place}: must stand for at most {MAX_ARMS:,} arms, got {number:,}. Split the study."])


def first_repeated(changes: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Return the first of some flat changes that sets what an earlier one sets; None if all differ.

    Example:
        >>> first_repeated([{"norm": "none"}, {"l1": 1}, {"l1": 1.0}]), first_repeated([{"bias": True}, {"bias": 1}])
        ({'l1': 1.0}, None)
    """
    seen: set[object] = set()
    for change in changes:
        key = frozenset((name, comparable(value)) for name, value in change.items())
        if key in seen:
            return change
        seen.add(key)
    return None


def _apply_changes(base: Located, combination: Sequence[Alternative]) -> Located:
    for one in combination:
        base = base.overridden(one.change)
    return base


def _refuse_equal_labels(labels: Sequence[str], base: Located) -> None:
    seen: set[str] = set()
    for label in labels:
        if label in seen:
            rule = f"must name each arm once, got {label!r} twice"
            raise ConfigError([f"{base.place(())}: {rule}. Remove one of them."])
        seen.add(label)


def full_key(key: str) -> str:
    """Return the key of a setting in arm.json, where the name of a variant has the key of its part.

    Example:
        >>> full_key("norm.name"), full_key("norm.eps")
        ('norm', 'norm.eps')
    """
    return key.removesuffix(".name")


def flat_change(change: Mapping[str, Any], under: str = "") -> dict[str, Any]:
    """Return the values that a change sets, by full dotted key.

    Example:
        >>> flat_change({"norm": {"name": "group_norm", "num_groups": 4}, "optimizer.lr": 0.1})
        {'norm': 'group_norm', 'norm.num_groups': 4, 'optimizer.lr': 0.1}
    """
    flat: dict[str, Any] = {}
    for key, value in change.items():
        here = full_key(f"{under}{key}")
        if isinstance(value, dict):
            flat |= {here: value["name"]} if "name" in value else {}
            flat |= flat_change({inner: v for inner, v in value.items() if inner != "name"}, f"{here}.")
        else:
            flat[here] = value
    return flat


def _merge_changes(changes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the values that several changes set together; setting a part drops earlier settings of that part."""
    merged: dict[str, Any] = {}
    for change in changes:
        flat = flat_change(change)
        replaced = {key for key in merged if any(key.startswith(f"{part}.") for part in flat)}
        merged = {key: value for key, value in merged.items() if key not in {*replaced, *flat}} | flat
    return merged


def _changed_keys(changes: Sequence[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(key for change in changes for key in flat_change(change)))


def _places_by_prefix(located: Located, size: int) -> dict[Loc, dict[Loc, str]]:
    """Group places by the first ``size`` steps of their path, in one pass, as there may be ten thousand arms."""
    groups: dict[Loc, dict[Loc, str]] = {}
    for loc, place in located.places.items():
        groups.setdefault(loc[:size], {})[loc[size:]] = place
    return groups


def _setting_at(places: Mapping[Loc, Mapping[Loc, str]], loc: Loc, value: object) -> Located:
    key = str(loc[1])
    return Located({key: value}, {(key, *inner): place for inner, place in places.get(loc, {}).items()})
