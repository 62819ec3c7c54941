"""Standardization: brings features, channels or targets to mean 0 and std 1 by what the training rows tell."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from normbench.finite_data.row_kinds import Numbers

Array = NDArray[Any]
Floats = NDArray[np.float64]
NUMBERS_AT_ONCE = 2**22
"""Computed in double precision at the same time: 32 MB, however large the data are."""


@dataclass(frozen=True)
class Standardization:
    """Computes (x - mean) * scale.

    Shape:
        mean, scale: that of one row, with 1 on the axes that were averaged over.
    """

    mean: Floats
    scale: Floats

    def apply(self, x: Array, rows: Numbers) -> NDArray[np.float32]:
        """Return the standardized values of some rows, computed in double precision: (len(rows), *) float32."""
        found = np.empty((len(rows), *x.shape[1:]), dtype=np.float32)
        for start, chosen in _chunks(x, rows):
            found[start : start + len(chosen)] = (x[chosen] - self.mean) * self.scale
        return found


def fit_standardization(x: Array, train: Numbers) -> Standardization:
    """Return what brings the training rows to mean 0 and std 1, each feature or each channel.

    Rows of one axis have features, (N, F); those of several have channels first, (N, C, *). What is constant on the
    training rows becomes 0 in all rows, also where other rows differ.
    """
    axes = (0, *range(2, x.ndim))
    count = len(train) * int(np.prod(x.shape[2:]))
    mean = _summed(x, train, axes, 0.0, 1) / count
    var = _summed(x, train, axes, mean, 2) / count
    low, high = _ends(x, train, axes)
    std = np.where(low == high, np.inf, np.sqrt(var))
    return Standardization(np.where(low == high, low, mean), 1 / std)


def no_standardization(x: Array, factor: float = 1.0) -> Standardization:
    """Return what multiplies by a factor only."""
    shape = (x.shape[1], *[1] * (x.ndim - 2)) if x.ndim > 1 else ()
    return Standardization(np.zeros(shape), np.full(shape, factor))


def _summed(x: Array, rows: Numbers, axes: tuple[int, ...], mean: Floats | float, power: int) -> Floats:
    """Return the sum of (x - mean)^power over axes, in the shape of one row."""
    parts = [((x[c] - np.float64(mean)) ** power).sum(axes, keepdims=True)[0] for _, c in _chunks(x, rows)]
    return np.asarray(np.sum(parts, axis=0), dtype=np.float64)


def _ends(x: Array, rows: Numbers, axes: tuple[int, ...]) -> tuple[Floats, Floats]:
    """Return the smallest and the largest value: of constant features the computed std may be above 0."""
    chunks = [x[chosen] for _, chosen in _chunks(x, rows)]
    low = np.min([chunk.min(axes, keepdims=True)[0] for chunk in chunks], axis=0)
    return low.astype(np.float64), np.max([chunk.max(axes, keepdims=True)[0] for chunk in chunks], axis=0)


def _chunks(x: Array, rows: Numbers) -> Iterator[tuple[int, Numbers]]:
    size = max(1, NUMBERS_AT_ONCE // max(1, int(np.prod(x.shape[1:]))))
    for start in range(0, len(rows), size):
        yield start, rows[start : start + size]
