"""arms, grid, zip and --vary as axes of named alternatives, and their product."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from itertools import product
from math import prod
from typing import Any

from normbench.errors import ConfigError
from normbench.storage.files.located import Loc, Located
from normbench.storage.files.yaml_file import read_assignment

MAX_ARMS = 10_000
MAX_NAME = 120

Axis = list[tuple[str, Located]]
"""Named alternatives, of which every arm takes one."""


def arms_axis(arms: Mapping[str, dict[str, Any] | None], located: Located) -> Axis:
    """Return the alternatives that a file names itself."""
    places = _grouped(located, 2)
    return [(name, Located(change or {}, places.get(("arms", name), {}))) for name, change in arms.items()]


def grid_axes(grid: Mapping[str, list[Any]], located: Located) -> list[Axis]:
    """Return one axis per key of ``grid:``, each value an alternative."""
    places = _grouped(located, 3)
    return [
        [(label(key, value), _at(places, ("grid", key, i), value)) for i, value in enumerate(values)]
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
        name = ",".join(label(key, values[i]) for key, values in coupled.items())
        axis.append((name, Located({key: values[i] for key, values in coupled.items()}, places)))
    return axis


def vary_axis(text: str) -> Axis:
    """Return the alternatives of ``--vary KEY=A,B``.

    Raises:
        ConfigError: Not KEY=A,B.
    """
    key, equals, values = text.partition("=")
    if not equals or not key.strip() or not values.strip():
        raise ConfigError([f"--vary {text}: must be KEY=A,B, got {text!r}. Example: --vary norm=none,batch_norm"])
    listed = read_assignment("--vary", f"{key}=[{values}]", shown=text)
    places: dict[Loc, str] = {(key.strip(),): f"--vary {text}"}
    axis = [(label(key.strip(), value), Located({key.strip(): value}, places)) for value in listed.data[key.strip()]]
    if not axis:
        raise ConfigError([f"--vary {text}: must be KEY=A,B, got {text!r}. Example: --vary norm=none,batch_norm"])
    names = [name for name, _ in axis]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise ConfigError([f"--vary {text}: must give each value once, got {twice[0]!r} twice. Remove one of them."])
    return axis


def expand(base: Located, axes: Sequence[Axis], plain_name: str) -> dict[str, Located]:
    """Return the settings of every arm: one alternative of each axis on top of the base.

    Raises:
        ConfigError: Too many arms, or two of one name.
    """
    size = prod(len(axis) for axis in axes)
    if size > MAX_ARMS:
        rule = f"must stand for at most {MAX_ARMS:,} arms, got {size:,}"
        raise ConfigError([f"{base.place(())}: {rule}. Split the study."])
    arms: dict[str, Located] = {}
    for combination in product(*axes):
        settings = base
        for _, change in combination:
            settings = settings.overridden(change)
        name = ",".join(said for said, _ in combination) or plain_name
        if len(name) > MAX_NAME:
            name = f"{name[: MAX_NAME - 7]}.{sha256(name.encode()).hexdigest()[:6]}"
        if name in arms:
            rule = f"must name each arm once, got {name!r} twice"
            raise ConfigError([f"{settings.place(())}: {rule}. Remove one of them."])
        arms[name] = settings
    return arms


def label(key: str, value: object) -> str:
    """Return what an alternative is called: readable in a path and in TensorBoard.

    Example:
        >>> label("batch_size", 2), label("norm", {"name": "group_norm", "num_groups": 4})
        ('batch_size=2', 'norm=group_norm,num_groups=4')
    """
    short = _plain(key.rpartition(".")[2])
    if isinstance(value, dict):
        name = [f"{short}={_plain(str(value['name']))}"] if "name" in value else []
        return ",".join(name + [label(str(inner), v) for inner, v in value.items() if inner != "name"])
    text = "x".join(str(v) for v in value) if isinstance(value, list) else str(value)
    return f"{short}={_plain(text)}"


def _plain(text: str) -> str:
    """Return text as part of a folder's name: a key and a value may say anything, and lead nowhere."""
    return "".join(c if (c.isascii() and c.isalnum()) or c in "._-+" else "_" for c in text)


def _grouped(located: Located, size: int) -> dict[Loc, dict[Loc, str]]:
    """Return the places by the first ``size`` steps to them, in one pass: of ten thousand arms, that is seen."""
    groups: dict[Loc, dict[Loc, str]] = {}
    for loc, place in located.places.items():
        groups.setdefault(loc[:size], {})[loc[size:]] = place
    return groups


def _at(places: Mapping[Loc, Mapping[Loc, str]], loc: Loc, value: object) -> Located:
    key = str(loc[1])
    return Located({key: value}, {(key, *inner): place for inner, place in places.get(loc, {}).items()})
