"""Ranks differences by size, with their signs; sizes that are equal but for rounding share their mean rank."""

import numpy as np

from normbench.evidence.statistics.verdicts.ties import FloatArray, tolerance_of


def signed_ranks(differences: FloatArray) -> FloatArray:
    """Return the rank of each |difference| in its row, with its sign; ties share their mean rank, nan has rank 0.

    Args:
        differences: Shape (..., n); each row is ranked alone.

    Example:
        >>> signed_ranks(np.array([[0.5, -2.0, 2.0, np.inf, 0.0, np.nan]])).tolist()
        [[3.0, -4.5, 4.5, 6.0, 0.0, 0.0]]
    """
    sizes = np.abs(differences)
    np.copyto(sizes, 0.0, where=np.isnan(sizes))
    order = sizes.argsort(axis=-1)
    ordered = np.take_along_axis(sizes, order, axis=-1)
    ranks = np.empty_like(sizes)
    np.put_along_axis(ranks, order, _ranks(ordered), axis=-1)
    signed: FloatArray = np.copysign(ranks, differences)
    np.copyto(signed, 0.0, where=(sizes == 0))  # a tie with 0, or nan
    return signed


def _ranks(ordered: FloatArray) -> FloatArray:
    """Return the ranks of sorted sizes: half of 1, the number that are surely smaller, and that not surely larger.

    Sizes of which each ties with the next one are a group. Mostly all of a group tie with each other: then these are
    the numbers of sizes before the group and up to its end. In rows where they do not all sizes are compared.
    """
    tolerance = tolerance_of(ordered)
    lowered, raised = ordered - tolerance, ordered + tolerance
    is_apart = raised[..., :-1] < lowered[..., 1:]
    places = np.broadcast_to(np.arange(ordered.shape[-1]), ordered.shape)
    if is_apart.all():
        return np.asarray(places + 1, dtype=np.float64)
    edge = np.ones((*ordered.shape[:-1], 1), dtype=bool)
    begins, ends = np.concatenate([edge, is_apart], axis=-1), np.concatenate([is_apart, edge], axis=-1)
    first = np.maximum.accumulate(np.where(begins, places, 0), axis=-1)
    last = np.minimum.accumulate(np.where(ends, places, ordered.shape[-1])[..., ::-1], axis=-1)[..., ::-1]
    ranks: FloatArray = (first + last + 2) / 2
    is_chain = (lowered > np.take_along_axis(raised, first, axis=-1)).any(axis=-1)
    if is_chain.any():
        ranks[is_chain] = _ranks_one_by_one(lowered[is_chain], raised[is_chain])
    return ranks


def _ranks_one_by_one(lowered: FloatArray, raised: FloatArray) -> FloatArray:
    smaller = (raised[..., None, :] < lowered[..., :, None]).sum(axis=-1)
    not_larger = (lowered[..., None, :] <= raised[..., :, None]).sum(axis=-1)
    ranks: FloatArray = (smaller + not_larger + 1) / 2
    return ranks
