"""Which samples make up each step: a fresh shuffle per epoch, full batches only."""

import torch
from torch import Tensor

from normbench.datasets.base import Split


class Batches:
    """Endless batches of one split in an order that its generator alone decides.

    A shuffle's last samples that do not fill a batch are left out of that epoch. A batch as large as the
    split is the split itself, unshuffled.

    Args:
        split: The training samples.
        batch_size: Samples per batch, at most the split's.
        generator: Decides the order; used for nothing else.
    """

    def __init__(self, split: Split, batch_size: int, generator: torch.Generator) -> None:
        self.split, self.batch_size, self.generator = split, batch_size, generator
        self._order: list[Tensor] = []

    def next(self) -> Split:
        """Return the next batch."""
        if self.batch_size == len(self.split):
            return self.split
        if not self._order:
            self._order = self._shuffled()
        chosen = self._order.pop()
        y = self.split.y[chosen] if self.split.y is not None else None
        return Split(self.split.x[chosen], y)

    def _shuffled(self) -> list[Tensor]:
        order = torch.randperm(len(self.split), generator=self.generator).to(self.split.x.device)
        full = len(self.split) // self.batch_size * self.batch_size
        return list(order[:full].split(self.batch_size))
