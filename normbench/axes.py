"""arms, grid, zip and --vary as axes of named alternatives, and their product."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from itertools import product
from math import prod
from typing import Any

from normbench.errors import ConfigError
from normbench.evidence.located import Loc, Located
from normbench.evidence.study_file import read_assignment

MAX_ARMS = 10_000
MAX_NAME = 120

Axis = list[tuple[str, Located]]
"""Named alternatives, of which every arm takes one."""


def arms_axis(arms: Mapping[str, dict[str, Any] | None], located: Located) -> Axis:
    """Return the alternatives that a file names itself."""
    return [(name, _inside(located, ("arms", name), change or {})) for name, change in arms.items()]


def grid_axes(grid: Mapping[str, list[Any]], located: Located) -> list[Axis]:
    """Return one axis per key of ``grid:``, each value an alternative."""
    return [
        [(label(key, value), _at(located, ("grid", key, i), value)) for i, value in enumerate(values)]
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
    for i in range(min(lengths.values())):
        parts = {key: _at(located, ("zip", key, i), values[i]) for key, values in coupled.items()}
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
    short = key.rpartition(".")[2]
    if isinstance(value, dict):
        name = [f"{short}={value['name']}"] if "name" in value else []
        return ",".join(name + [label(str(inner), v) for inner, v in value.items() if inner != "name"])
    text = "x".join(str(v) for v in value) if isinstance(value, list) else str(value)
    return f"{short}={''.join(c if c.isalnum() or c in '._-+' else '_' for c in text)}"


def _inside(located: Located, loc: Loc, data: dict[str, Any]) -> Located:
    size = len(loc)
    return Located(data, {known[size:]: place for known, place in located.places.items() if known[:size] == loc})


def _at(located: Located, loc: Loc, value: object) -> Located:
    key = str(loc[1])
    inner = {(key, *known[3:]): place for known, place in located.places.items() if known[:3] == loc}
    return Located({key: value}, inner)
