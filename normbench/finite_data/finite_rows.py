"""FiniteRows: all rows that were read from files, with what a split of them needs and how training rows encode them."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from normbench.findings import Finding
from normbench.finite_data.digests import content_digest, row_digests
from normbench.finite_data.row_kinds import Numbers, RowKinds

FLOAT32 = 4
KINDS = ("groups", "parts")
"""Names in the contents of what says where rows belong, not what they hold."""
SEEDS_IN_MEMORY = 2
Encode = Callable[[Numbers], tuple[Tensor, Tensor]]
"""Makes inputs and targets of some rows, as a network gets them."""


@dataclass(frozen=True, eq=False)
class FiniteRows(ABC):
    """Rows as they were read, before anything is fitted to them.

    Attributes:
        kinds: Classes, groups and parts of the rows.
        class_names: Names of the classes, in the order of their numbers; empty without classes.
        findings: What a user should know of them before training.
        unit: What a row is, in the plural.
    """

    kinds: RowKinds
    class_names: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    unit: str = "rows"

    @property
    def task(self) -> Literal["classification", "regression", "segmentation"]:
        """What the targets are: classes, numbers, or a class for each pixel."""
        return "classification" if self.class_names else "regression"

    @property
    @abstractmethod
    def input_shape(self) -> tuple[int, ...]:
        """One encoded row's shape."""

    @property
    @abstractmethod
    def output_shape(self) -> tuple[int, ...]:
        """Shape of the network's output for one row."""

    @abstractmethod
    def contents(self) -> Mapping[str, NDArray[Any] | Sequence[str]]:
        """Return all that was read, by name: arrays, (N, *) where they are of the rows, and lists of names."""

    @abstractmethod
    def fit(self, train: Numbers) -> Encode:
        """Return what encodes rows; it is fitted on the training rows alone."""

    @property
    def num_bytes(self) -> int:
        """Memory that a process needs: the rows as they were read, and the encoded ones of two seeds."""
        read = sum(one.nbytes for one in self.contents().values() if isinstance(one, np.ndarray))
        return read + SEEDS_IN_MEMORY * FLOAT32 * self.kinds.num_rows * prod(self.input_shape)

    def num_unseen(self, train: Numbers, rows: Numbers) -> int:
        """Return how many of some rows hold what no training row does, so that it cannot be encoded."""
        return 0

    @cached_property
    def digest(self) -> str:
        """sha256 of all that was read."""
        return content_digest(self.contents())

    @cached_property
    def row_digests(self) -> NDArray[np.uint64]:
        """A number per row, equal for rows that are equal in inputs and target."""
        of_rows = [one for name, one in self.contents().items() if name not in KINDS and isinstance(one, np.ndarray)]
        return row_digests([one for one in of_rows if len(one) == self.kinds.num_rows])
