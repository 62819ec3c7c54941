"""Deals rows to parts of given shares: each class evenly, each group to one part only."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator

from normbench.finite_data.row_kinds import Numbers, RowKinds

Floats = NDArray[np.float64]


def deal_evenly(kinds: RowKinds, num_parts: int, rng: Generator) -> Numbers:
    """Return the part of each row, where all parts have one size and one share of each class, up to one row.

    Args:
        kinds: Classes and groups of the rows.
        num_parts: Number of parts, at most the number of rows or groups.
        rng: Decides which rows go together.
    """
    if kinds.groups is not None:
        order = torch.randperm(num_parts, generator=rng).numpy()
        return order[_deal_groups(kinds, [1 / num_parts] * num_parts, rng)]
    found = np.empty(kinds.num_rows, dtype=np.int64)
    start = int(torch.randint(num_parts, (1,), generator=rng))
    for rows in _rows_by_class(kinds, rng):
        found[rows] = (start + np.arange(len(rows))) % num_parts
        start += len(rows)
    return found


def deal_by_shares(kinds: RowKinds, shares: Sequence[float], rng: Generator) -> Numbers:
    """Return the part of each row, where part i has shares[i] of each class, up to one row.

    The sizes depend on the classes alone, not on ``rng``. Each part has a row of every class that has enough.
    """
    if kinds.groups is not None:
        return _deal_groups(kinds, shares, rng)
    found = np.empty(kinds.num_rows, dtype=np.int64)
    dealt = 0
    for rows in _rows_by_class(kinds, rng):
        found[rows] = np.repeat(np.arange(len(shares)), _counts(dealt, len(rows), shares))
        dealt += len(rows)
    return found


def _rows_by_class(kinds: RowKinds, rng: Generator) -> list[Numbers]:
    """Return the rows of each class in random order; all rows where there are no classes."""
    order = torch.randperm(kinds.num_rows, generator=rng).numpy()
    if kinds.classes is None:
        return [order]
    by_class = order[np.argsort(kinds.classes[order], kind="stable")]
    ends = np.cumsum(np.bincount(kinds.classes))
    return np.split(by_class, ends[:-1])


def _counts(dealt: int, size: int, shares: Sequence[float]) -> Numbers:
    """Return how many rows of a class go to each part; what rounding takes from one class it gives to the next."""
    if size < len(shares):
        return np.array([size, *[0] * (len(shares) - 1)])
    ends = np.array([[np.round(share * rows) for share in shares[1:]] for rows in (dealt, dealt + size)])
    others = np.maximum(ends[1] - ends[0], 1).astype(np.int64)
    while others.sum() >= size:  # the first part has a row too
        others[others.argmax()] -= 1
    return np.array([size - others.sum(), *others])


def _deal_groups(kinds: RowKinds, shares: Sequence[float], rng: Generator) -> Numbers:
    """Deal one group after the other, mostly large ones first, to the part that lacks its classes most.

    What a part lacks is squared and summed over classes and the number of rows, each relative to all rows of it.
    """
    assert kinds.groups is not None
    groups, group_of_row = np.unique(kinds.groups, return_inverse=True)
    contents = _contents(kinds, group_of_row, len(groups))
    totals = _totals(kinds)
    lacking = np.outer(shares, totals)
    part_of_group = np.empty(len(groups), dtype=np.int64)
    is_empty = np.ones(len(shares), dtype=bool)
    ties = torch.rand((len(groups), len(shares)), generator=rng, dtype=torch.float64).numpy()
    for num_left, group in zip(range(len(groups), 0, -1), _order(group_of_row, len(groups), rng), strict=True):
        columns, counts = contents[group]
        gain = lacking[:, columns] @ (counts / totals[columns] ** 2)
        allowed = is_empty if num_left <= is_empty.sum() else np.ones_like(is_empty)
        part = _best(gain, allowed, ties[group])
        lacking[part, columns] -= counts
        part_of_group[group], is_empty[part] = part, False
    return part_of_group[group_of_row]


def _best(gain: Floats, allowed: NDArray[np.bool_], ties: Floats) -> int:
    largest = gain[allowed].max()
    equal = allowed & (gain >= largest - 1e-9 * abs(largest))
    return int(np.where(equal, ties, -1.0).argmax())


def _order(group_of_row: Numbers, num_groups: int, rng: Generator) -> Numbers:
    """Return the groups in random order, in which one of twice the size of another nearly always comes first."""
    sizes = np.bincount(group_of_row, minlength=num_groups)
    noise = torch.rand(num_groups, generator=rng, dtype=torch.float64).numpy()
    return np.argsort(-sizes * (0.5 + noise), kind="stable")


def _totals(kinds: RowKinds) -> Floats:
    """Return the number of rows, then the rows of each class."""
    of_classes = np.zeros(0) if kinds.classes is None else np.bincount(kinds.classes)
    return np.maximum(np.array([kinds.num_rows, *of_classes], dtype=np.float64), 1)


def _contents(kinds: RowKinds, group_of_row: Numbers, num_groups: int) -> list[tuple[Numbers, Floats]]:
    """Return for each group the columns of ``_totals`` that it has rows in, and how many."""
    all_rows = np.stack([group_of_row, np.zeros_like(group_of_row)])
    by_class = all_rows[:, :0] if kinds.classes is None else np.stack([group_of_row, kinds.classes + 1])
    pairs, counts = np.unique(np.concatenate([all_rows, by_class], axis=1), axis=1, return_counts=True)
    ends = np.cumsum(np.bincount(pairs[0], minlength=num_groups))[:-1]
    return list(zip(np.split(pairs[1], ends), np.split(counts.astype(np.float64), ends), strict=True))
