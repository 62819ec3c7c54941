"""Finds quantiles of a few numbers, among which diverged runs may be inf, and of histograms."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray


def quantile_of(values: Sequence[float], share: float) -> float:
    """Return a quantile, between two of the sorted numbers on the straight line between them; nan of none.

    References:
        Hyndman and Fan (1996), Sample quantiles in statistical packages, The American Statistician 50: definition 7.

    Example:
        >>> quantile_of([3.0, 1.0, 2.0], 0.5), quantile_of([0.0, 1.0], 0.25), quantile_of([0.0, math.inf], 0.0)
        (2.0, 0.25, 0.0)
        >>> quantile_of([1.0, math.inf, math.inf], 0.5), quantile_of([], 0.5)
        (inf, nan)
    """
    if not values:
        return math.nan
    inner = sorted(values)
    place = share * (len(inner) - 1)
    below = math.floor(place)
    part = place - below
    low, high = inner[below], inner[min(below + 1, len(inner) - 1)]
    return low if part == 0 or low == high else low * (1 - part) + high * part


def histogram_quantiles(
    counts: "NDArray[Any]", lefts: "NDArray[Any]", rights: "NDArray[Any]", shares: Sequence[float]
) -> "NDArray[Any]":
    """Return quantiles of histograms, with the values of each bin spread evenly over it.

    Args:
        counts: (..., B) Number of values in each bin.
        lefts: (..., B) Left edge of each bin.
        rights: (..., B) Right edge of each bin.
        shares: (Q) Which quantiles.

    Returns:
        (Q, ...) The quantiles; nan where a histogram has no value.
    """
    import numpy as np

    below = np.cumsum(counts, axis=-1, dtype=np.float64)
    total = below[..., -1]
    found = []
    for share in shares:
        wanted = share * total
        place = np.minimum((below < wanted[..., None]).sum(axis=-1), counts.shape[-1] - 1)[..., None]
        at, number, left, right = (np.take_along_axis(one, place, -1)[..., 0] for one in (below, counts, lefts, rights))
        part = 1.0 - (at - wanted) / np.maximum(number, 1)
        with np.errstate(over="ignore", invalid="ignore"):
            inner = np.clip(left + np.clip(part, 0.0, 1.0) * (right - left), left, right)
        found.append(np.where(total > 0, inner, np.nan))
    return np.stack(found)
