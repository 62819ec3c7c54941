"""Batches: draws the samples of each step, from a new shuffle per epoch, in full batches only."""

from typing import Any, Literal

import torch
from torch import Tensor

from normbench.datasets.base import Split

Sampling = Literal["shuffled", "by_class"]


class Batches:
    """Draws endless batches from one split, in an order that depends on its generator alone.

    A shuffle's last samples that do not fill a batch are left out of that epoch. A batch as large as the
    split, or larger, is the split itself, unshuffled.

    Args:
        split: The training samples.
        batch_size: Samples per batch, at most the split's, or under ``by_class`` at most one class's.
        generator: Decides the order; used for nothing else.
        sampling: ``shuffled`` draws each batch from all samples; ``by_class`` from one class, or one of the
            split's groups where it has them. Classes take turns at random, each as often as it fills a batch.

    Attributes:
        order: The indices of the batches of this epoch, (num_batches, batch_size), which are taken from the last on.
    """

    def __init__(
        self, split: Split, batch_size: int, generator: torch.Generator, sampling: Sampling = "shuffled"
    ) -> None:
        self.split, self.batch_size, self.generator = split, batch_size, generator
        self.sampling = sampling
        self._pools = samples_by_class(split) if sampling == "by_class" else None
        self.order = torch.empty(0, batch_size, dtype=torch.int64)
        self._num_left = 0

    def next(self) -> Split:
        """Return the next batch."""
        chosen = self.next_chosen()
        return self.split if chosen is None else self.split.take(chosen)

    def next_chosen(self) -> Tensor | None:
        """Return the indices of the next batch's samples, (batch_size,); None where it is the whole split."""
        row = self.advance()
        return None if row is None else self.order[row]

    def advance(self) -> int | None:
        """Go on to the next batch and return its row in ``order``; None where it is the whole split."""
        if not self._num_left:
            if self.is_whole:
                return None
            self.order = self._new_order().to(self.split.x.device)
            self._num_left = len(self.order)
        self._num_left -= 1
        return self._num_left

    @property
    def is_whole(self) -> bool:
        """Whether each batch is the whole split."""
        return self.batch_size >= len(self.split)

    def state_dict(self) -> dict[str, Any]:
        """Return the state that decides all batches to come."""
        return {"generator": self.generator.get_state(), "order": self.order[: self._num_left].clone()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the state that ``state_dict`` returned."""
        self.generator.set_state(state["generator"])
        self.order = state["order"].to(self.split.x.device)
        self._num_left = len(self.order)

    def epoch(self, max_batches: int | None = None) -> Split:
        """Return the samples of a new epoch's batches, one batch after the other; with ``max_batches`` of the first."""
        return self.split.take(self._new_order()[:max_batches].flatten().to(self.split.x.device))

    def _new_order(self) -> Tensor:
        """Draw the batches of an epoch: (num_batches, batch_size)."""
        if self._pools is None:
            return self._full_batches(torch.arange(len(self.split)))
        batches = torch.cat([self._full_batches(pool) for pool in self._pools])
        return batches[torch.randperm(len(batches), generator=self.generator)]

    def _full_batches(self, pool: Tensor) -> Tensor:
        order = pool[torch.randperm(len(pool), generator=self.generator)]
        return order[: len(pool) // self.batch_size * self.batch_size].view(-1, self.batch_size)


def samples_by_class(split: Split) -> list[Tensor]:
    """Return the indices of the samples of each class, or of each group if the split has groups."""
    labels = split.y if split.group is None else split.group
    assert labels is not None, "by_class needs classes or groups; contradictions() looks for them"
    return [torch.nonzero(labels.cpu() == label)[:, 0] for label in labels.unique().tolist()]
