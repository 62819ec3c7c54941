"""StackedBatches: the next batch of several runs at once, each drawn by the run's own order."""

from collections.abc import Sequence
from itertools import accumulate

import torch
from torch import Tensor

from normbench.datasets._batches import Batches


class StackedBatches:
    """Draws the next batch of each slot: x (S, N, *input_shape), y (S, N, *output_shape).

    Args:
        batches: The batches of each slot; an idle slot has the same object as another, and sees the same samples.
    """

    def __init__(self, batches: Sequence[Batches]) -> None:
        self._drawing = list(dict.fromkeys(batches))
        sizes = [len(own.split) for own in self._drawing]
        starts = dict(zip(self._drawing, accumulate([0, *sizes[:-1]]), strict=True))
        self._places = [self._drawing.index(own) for own in batches]
        self._size = batches[0].batch_size
        self._x = torch.cat([own.split.x for own in self._drawing])
        self._y = torch.cat([_targets(own) for own in self._drawing])
        begins = torch.tensor([starts[own] for own in batches], device=self._x.device)
        self._begins = begins.repeat_interleave(self._size)

    def next(self) -> tuple[Tensor, Tensor]:
        """Return inputs and targets of the next batch of each slot."""
        chosen = [own.next_chosen() for own in self._drawing]
        drawn = [own for own in chosen if own is not None]
        if len(drawn) < len(chosen):
            return self._whole()
        rows = torch.cat([drawn[place] for place in self._places]).add_(self._begins)
        return self._taken(rows)

    def _whole(self) -> tuple[Tensor, Tensor]:
        """Return the whole training set of each slot, for batches as large."""
        x, y = (column.view(len(self._drawing), -1, *column.shape[1:]) for column in (self._x, self._y))
        if len(self._drawing) == len(self._places):
            return x, y
        return x[self._places], y[self._places]

    def _taken(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        num_slots = len(self._places)
        x, y = self._x.index_select(0, rows), self._y.index_select(0, rows)
        return x.view(num_slots, -1, *x.shape[1:]), y.view(num_slots, -1, *y.shape[1:])


def _targets(batches: Batches) -> Tensor:
    assert batches.split.y is not None, "runs without a target do not stack"
    return batches.split.y
