"""StackedBatches: the next batch of several runs at once, each drawn by the run's own order."""

from collections.abc import Sequence
from itertools import accumulate

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
        self._size = batches[0].batch_size
        self._x = torch.cat([own.split.x for own in self._drawing])
        self._y = torch.cat([_targets(own) for own in self._drawing])
        self._all = torch.arange(self._size, device=self._x.device)
        begins = torch.tensor([starts[own] for own in batches], device=self._x.device)
        self._begins = begins.repeat_interleave(self._size)
        self._whole = self._taken([self._all] * len(batches)) if all(own.is_whole for own in batches) else None

    def next(self) -> tuple[Tensor, Tensor]:
        """Return inputs and targets of the next batch of each slot."""
        if self._whole:
            return self._whole
        chosen = [own.next_chosen() for own in self._drawing]
        drawn = [self._all if own is None else own for own in chosen]
        return self._taken([drawn[place] for place in self._places])

    def _taken(self, chosen: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        rows = torch.cat(tuple(chosen)).add_(self._begins)
        x, y = self._x.index_select(0, rows), self._y.index_select(0, rows)
        shape = len(chosen), self._size
        return x.view(*shape, *x.shape[1:]), y.view(*shape, *y.shape[1:])


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
