"""ArrayRows: rows whose inputs are one array and whose targets are another."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from normbench.finite_data.finite_rows import Encode, FiniteRows
from normbench.finite_data.row_kinds import Numbers
from normbench.finite_data.standardization import Standardization, fit_standardization, no_standardization
from normbench.finite_data.targets import Targets

BYTE = 255
EncodeOne = Callable[[Numbers], Tensor]


@dataclass(frozen=True, eq=False, kw_only=True)
class ArrayRows(FiniteRows):
    """Rows of numbers: features (N, F), or with channels (N, C, *); bytes are taken as shares of 255.

    Attributes:
        x: The inputs, of any type of numbers.
        targets: The targets.
        standardize: Whether training rows bring each feature or channel to mean 0 and std 1.
        standardize_target: The same for each number of the target.
    """

    x: NDArray[Any]
    targets: Targets
    standardize: bool = True
    standardize_target: bool = True

    @property
    def input_shape(self) -> tuple[int, ...]:
        """One row's shape."""
        return self.x.shape[1:]

    @property
    def output_shape(self) -> tuple[int, ...]:
        """Number of classes, or of numbers per row."""
        return self.targets.output_shape

    def contents(self) -> Mapping[str, NDArray[Any] | Sequence[str]]:
        """Return inputs, targets, names of classes, groups and parts."""
        kinds = {"groups": self.kinds.groups, "parts": self.kinds.parts}
        said = {name: kind for name, kind in kinds.items() if kind is not None}
        return {"x": self.x, "y": self.targets.values, "classes": self.class_names, **said}

    def fit(self, train: Numbers) -> Encode:
        """Return what makes float32 inputs, and classes or float32 targets."""
        encode_x = fit_inputs(self.x, train, standardize=self.standardize)
        encode_target = fit_target(self.targets, train, standardize=self.standardize_target)
        return lambda rows: (encode_x(rows), encode_target(rows))


def fit_inputs(x: NDArray[Any], train: Numbers, *, standardize: bool) -> EncodeOne:
    """Return what makes float32 inputs of some rows, standardized by the training rows, or as shares of a byte."""
    scale = fit_standardization(x, train) if standardize else _as_they_are(x)
    return lambda rows: torch.from_numpy(scale.apply(x, rows))


def fit_target(targets: Targets, train: Numbers, *, standardize: bool) -> EncodeOne:
    """Return what makes the targets of some rows: int64 classes, or float32 numbers, standardized by training rows."""
    if targets.task == "classification":
        return lambda rows: torch.from_numpy(targets.values[rows])
    scale = fit_standardization(targets.values, train) if standardize else no_standardization(targets.values)
    return lambda rows: torch.from_numpy(scale.apply(targets.values, rows))


def _as_they_are(x: NDArray[Any]) -> Standardization:
    return no_standardization(x, 1 / BYTE if x.dtype == np.uint8 else 1.0)
