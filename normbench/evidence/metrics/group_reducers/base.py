"""Defines a group reducer, read(group) -> number, and what it is given; finds the group reducers of this folder."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

from normbench.evidence.metrics.column_kinds import Direction
from normbench.storage.files.part_files import Parts, import_parts, require_class
from normbench.storage.run_folder import Run


@dataclass(frozen=True)
class Group:
    """Holds runs of one seed, one of each arm.

    Attributes:
        runs: Finished or diverged.
        settings: Each arm's value of KEY, each as often as the reducer has lines.
        metric: What to read off each run; "" where the reducer takes none.
        direction: Which way is better in it.
        is_ratio: Whether effects on it are ratios.
        read: Returns any metric of a run; of a diverged one what it counts as.
    """

    runs: Sequence[Run]
    settings: Sequence[float]
    metric: str
    direction: Direction | None
    is_ratio: bool
    read: Callable[[Run, str], float]

    @property
    def values(self) -> list[float]:
        """The metric of each run."""
        return [self.read(run, self.metric) for run in self.runs]


class GroupReducer(ABC):
    """Makes one number of several arms' runs: ``argbest optimizer.lr test_loss``. A file holds one, called as the word.

    The first line of the file is its row in the docs.

    Attributes:
        takes_metric: A metric follows the key.
        is_setting: The number is a value of the key, of which there are few; else it is made of the metric's values.
        num_lines: How many arms there must be at each value of the key, in the order of the study; 1 takes any number.
        chooses: It chooses among runs by itself, so that collapsed ones are no reason to refuse a verdict.
    """

    takes_metric: ClassVar[bool] = True
    is_setting: ClassVar[bool] = True
    num_lines: ClassVar[int] = 1
    chooses: ClassVar[bool] = True

    @abstractmethod
    def read(self, group: Group) -> float:
        """Return the number of a seed; nan where it cannot be told."""

    def is_ratio(self, of_metric: bool) -> bool:
        """Return whether effects are ratios: here always, since settings differ by factors."""
        return True

    @classmethod
    def usage(cls) -> str:
        """Return the word and what it takes, as it is typed.

        Example:
            >>> find_group_reducers()["argbest"].usage()
            'argbest KEY METRIC'
        """
        return f"{cls.__module__.rpartition('.')[2]} KEY{' METRIC' * cls.takes_metric}"


def find_group_reducers() -> dict[str, type[GroupReducer]]:
    """Import every file of this folder and return its reducer by the file's name; unfinished ones are left out."""
    return _parts().found


def unfinished_group_reducers() -> dict[str, str]:
    """Return a line for each file of this folder that holds no whole group reducer, by its name."""
    return _parts().unfinished


@cache
def _parts() -> Parts[type[GroupReducer]]:
    return import_parts(__name__.rpartition(".")[0], lambda module, _: require_class(module, GroupReducer))
