"""TableRows: rows of a table, whose gaps are filled and whose categories become columns of 0 and 1 by training rows."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from normbench.finite_data.array_rows import fit_target
from normbench.finite_data.finite_rows import Encode, FiniteRows
from normbench.finite_data.row_kinds import Numbers
from normbench.finite_data.standardization import fit_standardization, no_standardization
from normbench.finite_data.tables.missing import Fill
from normbench.finite_data.targets import Targets

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class TableRows(FiniteRows):
    """Rows with columns of numbers and of categories.

    A category is 1 in the column of its name and 0 in those of all others; a name that no training row has is 0 in
    all of them. A network gets the numbers first, then columns that say where a number was missing, then categories.

    Attributes:
        number_names: Names of the columns of numbers.
        numbers: Their values, (N, columns), nan where one is missing.
        category_names: Names of the columns of categories.
        codes: The number of each name, (N, columns), -1 where it is missing and no name of its own.
        levels: The names in each column of categories.
        targets: The targets.
        fill: What takes the place of missing numbers.
        standardize: Whether training rows bring the numbers to mean 0 and std 1.
        standardize_target: The same for the target of regression.
    """

    number_names: tuple[str, ...]
    numbers: Floats
    category_names: tuple[str, ...]
    codes: Numbers
    levels: tuple[tuple[str, ...], ...]
    targets: Targets
    fill: Fill | None = None
    standardize: bool = True
    standardize_target: bool = True

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Columns that a network gets."""
        return (self.numbers.shape[1] + len(self._flagged) + sum(map(len, self.levels)),)

    @property
    def output_shape(self) -> tuple[int, ...]:
        """Number of classes, or 1."""
        return self.targets.output_shape

    def contents(self) -> Mapping[str, NDArray[Any] | Sequence[str]]:
        """Return all columns with their names, the targets, groups and parts."""
        kinds = {"groups": self.kinds.groups, "parts": self.kinds.parts}
        levels = {f"levels of {name}": found for name, found in zip(self.category_names, self.levels, strict=True)}
        return {
            "numbers": self.numbers,
            "names of numbers": self.number_names,
            "categories": self.codes,
            "names of categories": self.category_names,
            "target": self.targets.values,
            "classes": self.class_names,
            **levels,
            **{name: kind for name, kind in kinds.items() if kind is not None},
        }

    def num_unseen(self, train: Numbers, rows: Numbers) -> int:
        """Return how many of some rows have a category that no training row has."""
        return int((self._is_seen(train)[self._columns, self.codes[rows]] == 0).any(axis=1).sum())

    def fit(self, train: Numbers) -> Encode:
        """Return what makes float32 inputs, and classes or float32 targets."""
        filled = self._filled(train)
        scale = fit_standardization(filled, train) if self.standardize else no_standardization(filled)
        encode_target = fit_target(self.targets, train, standardize=self.standardize_target)
        seen = self._is_seen(train)

        def encode(rows: Numbers) -> tuple[torch.Tensor, torch.Tensor]:
            flags = np.isnan(self.numbers[np.ix_(rows, self._flagged)])
            parts = [scale.apply(filled, rows), flags, *self._one_hot(rows, seen)]
            x = np.concatenate([part.astype(np.float32, copy=False) for part in parts], axis=1)
            return torch.from_numpy(x), encode_target(rows)

        return encode

    @cached_property
    def _flagged(self) -> Numbers:
        """Columns of numbers that get a column beside them, which says where they were missing."""
        has_gaps = np.isnan(self.numbers).any(axis=0)
        return np.flatnonzero(has_gaps if self.fill == "own_category" else np.zeros_like(has_gaps))

    @cached_property
    def _columns(self) -> Numbers:
        return np.arange(len(self.levels))

    def _is_seen(self, train: Numbers) -> NDArray[np.float32]:
        """Return 1 for each name that a training row has, 0 for others, (columns, most names); the last is for -1."""
        seen = np.zeros((len(self.levels), 1 + max(map(len, self.levels), default=0)), dtype=np.float32)
        for column in self._columns:
            seen[column, self.codes[train, column]] = 1
        seen[:, -1] = 1
        return seen

    def _one_hot(self, rows: Numbers, seen: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        return [
            (self.codes[rows, column, None] == np.arange(len(names))) * seen[column, : len(names)]
            for column, names in enumerate(self.levels)
        ]

    def _filled(self, train: Numbers) -> Floats:
        """Return the numbers with the training rows' median or mean where they are missing."""
        if not np.isnan(self.numbers).any():
            return self.numbers
        take = np.nanmedian if self.fill == "median" else np.nanmean
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # of a column without a value in any training row
            middle = np.nan_to_num(take(self.numbers[train], axis=0))
        return np.where(np.isnan(self.numbers), middle, self.numbers)
