"""Histograms in one pass: 64 equal bins between the smallest and the largest value."""

from dataclasses import dataclass

import torch
from torch import Tensor

NUM_BINS = 64
"""TensorBoard draws 30; more is paid for and not seen."""


@dataclass(frozen=True)
class Histogram:
    """What TensorBoard wants to know of a tensor. Values that are not finite are counted apart.

    Attributes:
        min: Smallest finite value.
        max: Largest finite value.
        num: How many finite values.
        sum: Their sum.
        sum_squares: Sum of their squares.
        bucket_limits: Right edge of each bin.
        bucket_counts: Values in each bin.
        num_nonfinite: Values that are inf or nan.
    """

    min: float
    max: float
    num: int
    sum: float
    sum_squares: float
    bucket_limits: list[float]
    bucket_counts: list[float]
    num_nonfinite: int = 0


def histogram(tensor: Tensor) -> Histogram | None:
    """Count a tensor's values into bins on its own device; None if no value is finite."""
    values = tensor.detach().flatten()
    low, high = torch.stack(values.aminmax()).tolist()
    if not (abs(low) < torch.inf and abs(high) < torch.inf):  # also false for nan, which aminmax hands on
        return _histogram_of_finite(values)
    return _histogram_between(values, low, high)


def _histogram_of_finite(values: Tensor) -> Histogram | None:
    finite = values[torch.isfinite(values)]
    if not len(finite):
        return None
    low, high = torch.stack(finite.aminmax()).tolist()
    found = _histogram_between(finite, low, high)
    return Histogram(**{**vars(found), "num_nonfinite": len(values) - len(finite)})


def _histogram_between(values: Tensor, low: float, high: float) -> Histogram:
    sums = torch.stack([values.sum(dtype=torch.float64), values.dot(values).double()])
    total, squares = sums.tolist()
    width = (high - low) / NUM_BINS
    if not 0 < high - low <= torch.finfo(values.dtype).max:  # one value, or a range beyond the dtype: a single bin
        return Histogram(low, high, len(values), total, squares, [high], [float(len(values))])
    counts = torch.histc(values, NUM_BINS, low, high).tolist()
    limits = [low + width * i for i in range(1, NUM_BINS)] + [high]
    return Histogram(low, high, len(values), total, squares, limits, counts)
