"""Defines a reducer, read(recorded) -> number, and what it is given; finds the reducers of this folder."""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from types import ModuleType
from typing import ClassVar

from normbench.evidence.metrics.column_kinds import Direction, column_direction, has_ratios
from normbench.evidence.metrics.columns import Read, Steps, last_of, plain_column, steps_by_layer, steps_of
from normbench.storage.contents.summary import SummaryContent
from normbench.storage.files.part_files import Parts, UnfinishedError, import_parts, require_class

ARGUMENTS = ("", "STEP", "VALUE")


@dataclass(eq=False)  # one for each metric of each run: frozen, it takes three times as long to make
class Recorded:
    """Holds what a run recorded of a column, and the run's other columns on request.

    Attributes:
        column: Its name; where a reducer is ``over_layers``, a statistic without a layer, ``activation.std``.
        summary: What summary.json holds.
        read_table: Returns one of the run's files, without rows where the run has no such file.
    """

    column: str
    summary: SummaryContent
    read_table: Read

    @cached_property
    def steps(self) -> Steps:
        """(step, value) at the recorded steps that have a value."""
        return steps_of(self.read_table, self.column)

    @cached_property
    def finite(self) -> list[float]:
        """The finite values, in the order of the steps."""
        return [value for _, value in self.steps if math.isfinite(value)]

    @property
    def last(self) -> float:
        """The last value, finite or not; nan where there is none."""
        return last_of(self.read_table, self.column)

    @property
    def direction(self) -> Direction | None:
        """Which way is better in the column itself."""
        return column_direction(self.column)

    @property
    def total_steps(self) -> int:
        """How many updates were to be made."""
        return self.summary["total_steps"]

    @property
    def hidden_layers(self) -> list[str]:
        """The layers from input to output without the last, whose width is the task's."""
        layers = self.summary["layers"]
        return [layer["name"] for layer in layers if layer.get("role", "weights") == "weights"][:-1]

    def of(self, column: str) -> Steps:
        """Return another column's values by step, nothing if the run has no such column."""
        return steps_of(self.read_table, column)

    def of_layers(self) -> dict[str, Steps]:
        """Return the values of a statistic by layer and step."""
        return steps_by_layer(self.read_table, self.column)

    def worst(self, values: Sequence[float]) -> float:
        """Return the worst of some of the column's values and the constant predictor's; nan where there is no worst."""
        if self.direction is None:
            return math.nan
        name = "train_loss" if self.column.startswith("batch_loss") else plain_column(self.column)
        constant = self.summary.get("constant_predictor", {}).get(name)
        known = [*values, math.nan if constant is None else constant]
        pick = min if self.direction == "higher" else max
        return pick([value for value in known if not math.isnan(value)], default=math.nan)


class Reducer(ABC):
    """Makes one number of a column's steps: ``best test_loss``. A file holds one, and is called as the word.

    The first line of the file is its row in help and docs.

    Args:
        argument: What stands between the word and the column, where it takes something.

    Attributes:
        takes: "STEP", a whole number from 0, "VALUE", any finite number, or nothing.
        over_layers: The column is a statistic without its layer, ``activation.std``; all layers are read.
        is_of_column: The number is a value of the column, so that it can be compared with the constant predictor's.
        is_step: The number is a recorded step, of which there are few.
    """

    takes: ClassVar[str] = ""
    over_layers: ClassVar[bool] = False
    is_of_column: ClassVar[bool] = True
    is_step: ClassVar[bool] = False

    def __init__(self, argument: float = math.nan) -> None:
        self.argument = argument

    @abstractmethod
    def read(self, recorded: Recorded) -> float:
        """Return the number of a run; nan where the column has no value."""

    def direction(self, column: str) -> Direction | None:
        """Return which way is better, None where neither is; the column's unless a reducer says otherwise."""
        return column_direction(column)

    def better_way(self, column: str) -> Direction | None:
        """Return the way in which a diverged run must never lie; that which is better unless said otherwise."""
        return self.direction(column)

    def is_ratio(self, column: str) -> bool:
        """Return whether effects are ratios; the column's unless a reducer says otherwise."""
        return has_ratios(column)

    def read_diverged(self, recorded: Recorded) -> float:
        """Return what a diverged run counts as.

        Unless said otherwise the worst of all that was recorded and of the constant predictor; nan, unknown, where
        neither way is better, or where it is another than the column's, whose worst then is none here.
        """
        way = self.better_way(recorded.column)
        is_of_column = way is not None and way == recorded.direction
        return recorded.worst(recorded.finite) if is_of_column else math.nan

    @classmethod
    def usage(cls) -> str:
        """Return the word and what it takes, as it is typed.

        Example:
            >>> find_reducers()["steps_to"].usage()
            'steps_to VALUE'
        """
        return f"{cls.__module__.rpartition('.')[2]} {cls.takes}".strip()


def find_reducers() -> dict[str, type[Reducer]]:
    """Import every file of this folder and return its reducer by the file's name; unfinished ones are left out."""
    return _parts().found


def unfinished_reducers() -> dict[str, str]:
    """Return a line for each file of this folder that holds no whole reducer, by its name."""
    return _parts().unfinished


@cache
def _parts() -> Parts[type[Reducer]]:
    return import_parts(__name__.rpartition(".")[0], lambda module, _: _reducer_in(module))


def _reducer_in(module: ModuleType) -> type[Reducer]:
    kind: type[Reducer] = require_class(module, Reducer)
    if kind.takes not in ARGUMENTS:
        named = ", ".join(filter(None, ARGUMENTS))
        raise UnfinishedError(f"{kind.__name__}.takes must be one of {named} or nothing, got {kind.takes!r}")
    return kind
