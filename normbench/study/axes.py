"""arms, grid, zip and --vary as axes of alternatives, and their product: the arms of a study."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

from normbench.errors import ConfigError
from normbench.storage.arm_id import ArmEntry
from normbench.storage.arm_labels import label_words, short_keys, unique_labels
from normbench.storage.files.located import Loc, Located
from normbench.storage.files.yaml_file import read_assignment

MAX_ARMS = 10_000


@dataclass(frozen=True)
class Alternative:
    """What an arm may set, one of an axis: its name under ``arms:``, "" elsewhere."""

    change: Located
    name: str = ""


Axis = list[Alternative]
"""Alternatives, of which every arm takes one."""


def arms_axis(arms: Mapping[str, dict[str, Any] | None], located: Located) -> Axis:
    """Return the alternatives that a file names itself."""
    places = _grouped(located, 2)
    return [Alternative(Located(change or {}, places.get(("arms", name), {})), name) for name, change in arms.items()]


def grid_axes(grid: Mapping[str, list[Any]], located: Located) -> list[Axis]:
    """Return one axis per key of ``grid:``, each value an alternative."""
    places = _grouped(located, 3)
    return [
        [Alternative(_at(places, ("grid", key, i), value)) for i, value in enumerate(values)]
        for key, values in grid.items()
    ]


def zip_axis(coupled: Mapping[str, list[Any]], located: Located) -> Axis:
    """Return one axis whose alternatives set several keys at once.

    Raises:
        ConfigError: The lists differ in length.
    """
    lengths = {key: len(values) for key, values in coupled.items()}
    if len(set(lengths.values())) > 1:
        rule = f"must hold lists of one length, got {lengths}"
        raise ConfigError([f"{located.place(('zip',))}: zip: {rule}. Make them equal."])
    axis: Axis = []
    grouped = _grouped(located, 3)
    for i in range(min(lengths.values())):
        parts = {key: _at(grouped, ("zip", key, i), values[i]) for key, values in coupled.items()}
        places = {loc: place for part in parts.values() for loc, place in part.places.items()}
        axis.append(Alternative(Located({key: values[i] for key, values in coupled.items()}, places)))
    return axis


def vary_axis(text: str) -> Axis:
    """Return the alternatives of ``--vary KEY=A,B``.

    Raises:
        ConfigError: Not KEY=A,B.
    """
    key, equals, values = text.partition("=")
    key = key.strip()
    if not equals or not key or not values.strip():
        raise ConfigError([f"--vary {text}: must be KEY=A,B, got {text!r}. Example: --vary norm=none,batch_norm"])
    listed = read_assignment("--vary", f"{key}=[{values}]", shown=text).data[key]
    if not listed:
        raise ConfigError([f"--vary {text}: must be KEY=A,B, got {text!r}. Example: --vary norm=none,batch_norm"])
    said = [flat_change({key: value}) for value in listed]
    for one in said:
        if said.count(one) > 1:
            words = ",".join(label_words("", one, short_keys(one)))
            raise ConfigError([f"--vary {text}: must give each value once, got {words!r} twice. Remove one of them."])
    places: dict[Loc, str] = {(key,): f"--vary {text}"}
    return [Alternative(Located({key: value}, places)) for value in listed]


@dataclass(frozen=True)
class Combined:
    """The arms of a study before they are checked: settings and entry of each by label, and the keys that make them."""

    settings: Mapping[str, Located]
    entries: Mapping[str, ArmEntry]
    axes: Sequence[str]
    named: Sequence[str]


def combine(base: Located, axes: Sequence[Axis], plain_label: str, also: Sequence[str] = ()) -> Combined:
    """Return every arm: one alternative of each axis on top of the base.

    Args:
        base: What all arms have in common.
        axes: What they take one of each.
        plain_label: The label of a single arm on which nothing is changed.
        also: Further keys of the study, beside which a key in a label must stay unmistakable.

    Raises:
        ConfigError: Too many arms, or two that are set alike.
    """
    size = prod(len(axis) for axis in axes)
    if size > MAX_ARMS:
        rule = f"must stand for at most {MAX_ARMS:,} arms, got {size:,}"
        raise ConfigError([f"{base.place(())}: {rule}. Split the study."])
    drawn = list(product(*axes))
    names = ["".join(one.name for one in combination) for combination in drawn]
    sets = [_merged([one.change.data for one in combination if not one.name]) for combination in drawn]
    named = _keys([one.change.data for axis in axes for one in axis if one.name])
    free = _keys([one.change.data for axis in axes for one in axis if not one.name])
    short = short_keys(dict.fromkeys([*free, *named, *map(full_key, also)]))
    labels = unique_labels(list(zip(names, sets, strict=True)), short, plain_label)
    _refuse_twice(labels, base)
    settings = [_changed(base, combination) for combination in drawn]
    entries = [ArmEntry(*said) for said in zip(labels, names, sets, strict=True)]
    axis_keys = [full_key(key) for axis in axes for one in axis if not one.name for key in one.change.data]
    by_label = dict(zip(labels, settings, strict=True)), dict(zip(labels, entries, strict=True))
    return Combined(*by_label, list(dict.fromkeys(axis_keys)), named)


def _changed(base: Located, combination: Sequence[Alternative]) -> Located:
    for one in combination:
        base = base.overridden(one.change)
    return base


def _refuse_twice(labels: Sequence[str], base: Located) -> None:
    seen: set[str] = set()
    for label in labels:
        if label in seen:
            rule = f"must name each arm once, got {label!r} twice"
            raise ConfigError([f"{base.place(())}: {rule}. Remove one of them."])
        seen.add(label)


def full_key(key: str) -> str:
    """Return the key under which arm.json has a setting: a part's name stands under the part's own.

    Example:
        >>> full_key("norm.name"), full_key("norm.eps")
        ('norm', 'norm.eps')
    """
    return key.removesuffix(".name")


def flat_change(change: Mapping[str, Any], under: str = "") -> dict[str, Any]:
    """Return what a change sets, by full dotted key.

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


def _merged(changes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what several changes set together: a part that is set takes away what was set below it before."""
    merged: dict[str, Any] = {}
    for change in changes:
        flat = flat_change(change)
        replaced = {key for key in merged if any(key.startswith(f"{part}.") for part in flat)}
        merged = {key: value for key, value in merged.items() if key not in {*replaced, *flat}} | flat
    return merged


def _keys(changes: Sequence[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(key for change in changes for key in flat_change(change)))


def _grouped(located: Located, size: int) -> dict[Loc, dict[Loc, str]]:
    """Return the places by the first ``size`` steps to them, in one pass: of ten thousand arms, that is seen."""
    groups: dict[Loc, dict[Loc, str]] = {}
    for loc, place in located.places.items():
        groups.setdefault(loc[:size], {})[loc[size:]] = place
    return groups


def _at(places: Mapping[Loc, Mapping[Loc, str]], loc: Loc, value: object) -> Located:
    key = str(loc[1])
    return Located({key: value}, {(key, *inner): place for inner, place in places.get(loc, {}).items()})
