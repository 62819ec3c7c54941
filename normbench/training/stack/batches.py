"""StackedBatches: the next batch of several runs at once, each drawn by the run's own order."""

from collections.abc import Sequence
from itertools import accumulate
from operator import is_

import torch
from torch import Tensor

from normbench.datasets._batches import Batches
from normbench.errors import RunFailedError


class StackedBatches:
    """Draws the next batch of each slot: x (S, N, *input_shape), y (S, N, *output_shape).

    Args:
        batches: The batches of each slot, none of fewer samples than ``batch_size``; a slot that is not trained has the
            same object as another, and sees the same samples.
    """

    def __init__(self, batches: Sequence[Batches]) -> None:
        self._drawing = list(dict.fromkeys(batches))
        sizes = [len(own.split) for own in self._drawing]
        starts = dict(zip(self._drawing, accumulate([0, *sizes[:-1]]), strict=True))
        self._places = [self._drawing.index(own) for own in batches]
        self._shape = len(batches), batches[0].batch_size
        self._x = torch.cat([own.split.x for own in self._drawing])
        self._y = torch.cat([_targets(own) for own in self._drawing])
        self._begins = torch.tensor([starts[own] for own in batches], device=self._x.device).unsqueeze(1)
        self._orders: Sequence[Tensor | None] = [None] * len(self._drawing)
        self._rows: Tensor | None = None
        self._all = torch.arange(self._shape[1], device=self._x.device)
        is_whole = all(own.is_whole for own in batches)
        self._whole = self._taken(self._all.expand(self._shape) + self._begins) if is_whole else None

    def next(self) -> tuple[Tensor, Tensor]:
        """Return inputs and targets of the next batch of each slot."""
        return self._whole or self._taken(self._next_rows())

    def _next_rows(self) -> Tensor:
        places = [own.advance() for own in self._drawing]
        orders = [own.order for own in self._drawing]
        if not all(map(is_, orders, self._orders)):
            self._orders, self._rows = orders, self._joined(orders)
        if self._rows is None or places.count(places[0]) < len(places):
            return self._rows_in_turn(places, orders)
        return self._rows[places[0]]

    def _joined(self, orders: Sequence[Tensor]) -> Tensor | None:
        """Return the rows of an epoch, (num_batches, S, N); None if epochs have other numbers of batches."""
        if len(set(map(len, orders))) > 1:
            return None
        return torch.stack([orders[place] for place in self._places], dim=1).add_(self._begins)

    def _rows_in_turn(self, places: Sequence[int | None], orders: Sequence[Tensor]) -> Tensor:
        """Return the rows of the next batches of runs that are not at the same place of their epochs."""
        chosen = [self._all if row is None else order[row] for row, order in zip(places, orders, strict=True)]
        return torch.stack([chosen[place] for place in self._places]).add_(self._begins)

    def _taken(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        rows = rows.flatten()
        x, y = self._x.index_select(0, rows), self._y.index_select(0, rows)
        return x.view(*self._shape, *x.shape[1:]), y.view(*self._shape, *y.shape[1:])


def refuse_small_set(batches: Batches, seed: int) -> None:
    """Refuse a training set that fills no batch: in a stack all batches are of one size.

    Raises:
        RunFailedError: Splits of groups of rows may differ in size from seed to seed.
    """
    if len(batches.split) < batches.batch_size:
        rule = f"must be at most the {len(batches.split)} training samples of seed {seed} in a stack"
        raise RunFailedError(f"batch_size: {rule}, got {batches.batch_size}. Use a smaller one, or engine: loop.")


def _targets(batches: Batches) -> Tensor:
    assert batches.split.y is not None, "runs without a target do not stack"
    return batches.split.y
