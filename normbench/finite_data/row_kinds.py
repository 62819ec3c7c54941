"""RowKinds: all that a split depends on, the rows' classes, groups and parts, and no number in them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class RowKinds:
    """The rows of finite data as their splitting sees them.

    Attributes:
        num_rows: Number of all rows.
        classes: The class of each row, 0 .. classes - 1, (N,); None without classes.
        groups: The group of each row, (N,), any numbers: a patient, a document; None without groups.
        parts: 0 for a row of train, 1 of validation, 2 of test, (N,); None where the data do not say.
    """

    num_rows: int
    classes: Numbers | None = None
    groups: Numbers | None = None
    parts: Numbers | None = None

    def take(self, chosen: Numbers) -> "RowKinds":
        """Return the kinds of some rows."""
        kinds = (None if kind is None else kind[chosen] for kind in (self.classes, self.groups, self.parts))
        return RowKinds(len(chosen), *kinds)

    def units_of_classes(self) -> Numbers:
        """Return how many things that stay whole hold each class: groups where there are some, rows else."""
        if self.classes is None:
            return np.array([self.num_units])
        if self.groups is None:
            return np.bincount(self.classes)
        pairs = np.unique(np.stack([self.classes, self.groups]), axis=1)
        return np.bincount(pairs[0], minlength=int(self.classes.max()) + 1)

    @property
    def num_units(self) -> int:
        """Number of groups, of rows where there are none."""
        return self.num_rows if self.groups is None else len(np.unique(self.groups))
