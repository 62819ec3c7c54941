"""Computes histograms of tensors: 64 equal bins between the smallest and the largest value."""

from dataclasses import dataclass

import torch
from torch import Tensor

from normbench.any_module.tensors import numbers

NUM_BINS = 64
"""Number of bins; TensorBoard draws 30."""


@dataclass(frozen=True)
class Histogram:
    """The histogram of a tensor's finite values, in TensorBoard's form.

    Attributes:
        min: Smallest finite value.
        max: Largest finite value.
        num: Number of finite values.
        sum: Sum of the finite values.
        sum_squares: Sum of their squares.
        bucket_limits: Right edge of each bin.
        bucket_counts: Number of values in each bin.
        num_nonfinite: Number of values that are inf or nan.
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
    """Compute the histogram of a tensor; return None if no value is finite."""
    values = numbers(tensor).flatten()
    if not len(values):
        return None
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
    counts = torch.histc(values.cpu(), NUM_BINS, low, high).tolist()  # on a GPU torch warns that bits may differ
    limits = [low + width * i for i in range(1, NUM_BINS)] + [high]
    return Histogram(low, high, len(values), total, squares, limits, counts)
