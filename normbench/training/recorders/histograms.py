"""Computes the histograms of a recorded step: 64 equal bins between each tensor's smallest and largest value."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from normbench.any_module.tensors import numbers
from normbench.storage.histogram_table import NUM_BINS, HistogramTable

NUM_TOGETHER = 4096
"""Values of a tensor up to which it is counted together with others; counting has a price per call."""
NUM_AT_ONCE = 32_768
"""Values of a larger tensor that are counted at once; more do not fit the cache."""

Array = NDArray[Any]


def histograms_of(tensors: Mapping[tuple[str, str], Tensor], step: int) -> HistogramTable:
    """Compute the histograms of one recorded step's tensors, by kind and name; the tensors are left alone."""
    values = [numbers(tensor).flatten().cpu().numpy() for tensor in tensors.values()]
    found = _Found(len(values))
    with np.errstate(all="ignore"):  # what overflows is told by its result
        finite = [found.add_ends(i, array) for i, array in enumerate(values)]
        for places, pieces in _batches(finite):
            found.add_values(places, pieces)
    kinds, names = (np.array([key[i] for key in tensors], dtype=str) for i in (0, 1))
    counts = found.counts.astype(np.min_scalar_type(found.counts.max(initial=0)))
    rest = (found.low, found.high, found.sum, found.sum_squares, found.num, found.num_nonfinite, counts)
    return HistogramTable(np.array([step]), kinds, names, *(array[None] for array in rest))


class _Found:
    """What has been found of some tensors, by their place among them."""

    def __init__(self, num_tensors: int) -> None:
        self.low, self.high = np.full(num_tensors, np.nan), np.full(num_tensors, np.nan)
        self.sum, self.sum_squares = np.zeros(num_tensors), np.zeros(num_tensors)
        self.num, self.num_nonfinite = np.zeros(num_tensors, dtype=int), np.zeros(num_tensors, dtype=int)
        self.counts = np.zeros((num_tensors, NUM_BINS), dtype=int)

    def add_ends(self, place: int, values: Array) -> Array:
        """Add the smallest and the largest finite value of one tensor, and how many are finite; return these."""
        finite, low, high = values, *_ends(values)
        if not (math.isfinite(low) and math.isfinite(high)):  # also where a value is nan
            finite = values[np.isfinite(values)]
            low, high = _ends(finite)
        self.low[place], self.high[place] = low, high
        self.num[place], self.num_nonfinite[place] = finite.size, values.size - finite.size
        return finite

    def add_values(self, places: Sequence[int], pieces: Sequence[Array]) -> None:
        """Add the sums and counts of finite values of some tensors, all of one dtype."""
        sizes = np.array([piece.size for piece in pieces])
        values = np.concatenate(pieces) if len(pieces) > 1 else pieces[0]
        starts, exact = np.cumsum(sizes) - sizes, values.astype(np.float64)
        self.sum[places] += np.add.reduceat(exact, starts) if len(sizes) > 1 else exact.sum()
        self.sum_squares[places] += np.add.reduceat(exact * exact, starts) if len(sizes) > 1 else exact @ exact
        self.counts[places] += self._count(places, values, sizes)

    def _count(self, places: Sequence[int], values: Array, sizes: Array) -> Array:
        """Return how many values of each tensor lie in each bin, computed in the values' own dtype as torch does."""
        low, high = self.low[places].astype(values.dtype), self.high[places].astype(values.dtype)
        span, first = high - low, np.arange(len(sizes)) * (NUM_BINS + 1)
        is_single = ~((span > 0) & (span < np.inf))
        low[is_single], span[is_single] = 0, np.inf  # all in the first bin
        several = len(sizes) > 1
        shares = values - (np.repeat(low, sizes) if several else low)
        shares /= np.repeat(span, sizes) if several else span
        shares *= NUM_BINS
        bins = shares.astype(np.uint8)
        bins = np.repeat(first, sizes) + bins if several else bins
        counts = np.bincount(bins, minlength=len(sizes) * (NUM_BINS + 1)).reshape(-1, NUM_BINS + 1)
        counts[:, -2] += counts[:, -1]  # the largest value itself
        return counts[:, :-1]


def _ends(values: Array) -> tuple[float, float]:
    """Return the smallest and the largest value; nan if there is none, or if any value is nan."""
    return (float(values.min()), float(values.max())) if values.size else (math.nan, math.nan)


def _batches(arrays: Sequence[Array]) -> Iterator[tuple[list[int], list[Array]]]:
    """Yield what is counted together, with the tensors' places: small ones of a dtype, or a piece of a large one."""
    small: dict[np.dtype[Any], list[int]] = {}
    for i, array in enumerate(arrays):
        if array.size > NUM_TOGETHER:
            yield from (([i], [array[at : at + NUM_AT_ONCE]]) for at in range(0, array.size, NUM_AT_ONCE))
        elif array.size:
            small.setdefault(array.dtype, []).append(i)
    yield from ((places, [arrays[i] for i in places]) for places in small.values())
