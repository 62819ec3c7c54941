"""Targets: classes numbered in a natural order, or numbers, and whether a column of values is the one or the other."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from normbench.errors import SettingError
from normbench.finite_data.row_kinds import Numbers

FEWEST_CLASSES = 2
TargetTask = Literal["classification", "regression"]


@dataclass(frozen=True, eq=False)
class Targets:
    """The targets of all rows.

    Shape:
        values: (N,) int64 classes 0 .. classes - 1, or (N, targets) float64 numbers.
    """

    task: TargetTask
    values: NDArray[Any]
    class_names: tuple[str, ...] = ()

    @property
    def classes(self) -> Numbers | None:
        """The class of each row; None in regression."""
        return self.values if self.task == "classification" else None

    @property
    def output_shape(self) -> tuple[int, ...]:
        """Number of classes, or of numbers per row."""
        return (len(self.class_names),) if self.task == "classification" else self.values.shape[1:]


def class_targets(labels: Sequence[Any] | NDArray[Any]) -> Targets:
    """Return labels as classes, numbered in natural order: 2 before 10, b before c.

    Raises:
        SettingError: All are the same.

    Example:
        >>> class_targets(["b10", "b9", "b10"]).class_names
        ('b9', 'b10')
    """
    found, inverse = np.unique(np.asarray(labels), return_inverse=True)
    names = [str(name) for name in found.tolist()]
    if len(names) < FEWEST_CLASSES:
        rule = f"the target must have {FEWEST_CLASSES} classes or more"
        raise SettingError("", rule, f"{', '.join(map(repr, names)) or 'none'} only", "There is nothing to tell apart.")
    order = in_natural_order(names)
    rank = np.empty(len(names), dtype=np.int64)
    rank[order] = np.arange(len(names))
    return Targets("classification", rank[inverse.reshape(-1)], tuple(names[number] for number in order))


def number_targets(values: NDArray[np.float64], name: str) -> Targets:
    """Return numbers as targets, (N,) as (N, 1).

    Raises:
        SettingError: All are the same number.
    """
    found = values.reshape(len(values), -1)
    same = np.flatnonzero(found.min(0) == found.max(0))
    if len(same):
        rule = f"{name} must differ between rows"
        raise SettingError("", rule, f"{found[0, same[0]]:g} in all of them", "There is nothing to predict.")
    return Targets("regression", found)


def in_natural_order(names: Sequence[str]) -> list[int]:
    """Return the places of names in the order that people give them: numbers by size, also those in names.

    Example:
        >>> in_natural_order(["img10", "img9", "img"]), in_natural_order(["1", "-1", "0.5"])
        ([2, 1, 0], [1, 2, 0])
    """
    try:
        sizes = [float(name) for name in names]
    except ValueError:
        return sorted(range(len(names)), key=lambda number: _parts(names[number]))
    return sorted(range(len(names)), key=lambda number: sizes[number])


def _parts(name: str) -> tuple[tuple[float, str], ...]:
    parts = re.split(r"(\d+)", name)
    return tuple((float(part), "") if part.isdecimal() else (float("inf"), part) for part in parts if part)


def task_of(said: TargetTask | None, num_distinct: int, *, is_text: bool) -> TargetTask:
    """Return the task of a target: as said; without that text and two values are classes, other numbers must be said.

    Raises:
        SettingError: The task must be said, or does not go with text.
    """
    if is_text and said == "regression":
        raise SettingError("task", "must be classification, the target is text", said, "Remove task.")
    if said:
        return said
    if is_text or num_distinct == 2:
        return "classification"
    rule = f"must be said, the target has {num_distinct:,} different numbers"
    raise SettingError("task", rule, None, "Write task: classification, or task: regression.")
