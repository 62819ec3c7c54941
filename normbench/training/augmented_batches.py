"""AugmentedBatches: batches that the user's own augmentation changes, with the same random numbers in all arms."""

from collections.abc import Callable
from typing import Any

import torch

from normbench.datasets._batches import Batches, Sampling
from normbench.datasets.base import Split
from normbench.random_streams import seeded_globally

Augmentation = Callable[[Split, torch.Generator], Split]
LARGEST_SEED = 2**62


class AugmentedBatches(Batches):
    """Batches of training, each changed by an augmentation; ``epoch()``, which only reads, leaves them as they are.

    For each batch a seed is drawn from a stream of the run. The augmentation's generator starts from it, and so do the
    global ones of torch, numpy and Python meanwhile: an arm whose function draws more, or whose network draws too, has
    the same random numbers in the next batch as all others.

    Args:
        split: The training samples.
        batch_size: Samples per batch.
        order: Decides the order of samples.
        sampling: ``shuffled`` or ``by_class``.
        augment: Returns the changed batch.
        seeds: The stream from which the seed of each batch is drawn; on the CPU.
    """

    def __init__(
        self,
        split: Split,
        batch_size: int,
        order: torch.Generator,
        sampling: Sampling,
        augment: Augmentation,
        seeds: torch.Generator,
    ) -> None:
        super().__init__(split, batch_size, order, sampling)
        self._augment, self._seeds = augment, seeds

    def next(self) -> Split:
        """Return the next batch, augmented."""
        batch = super().next()
        seed = int(torch.randint(LARGEST_SEED, (), generator=self._seeds))
        generator = torch.Generator(batch.x.device).manual_seed(seed)
        with seeded_globally(seed):
            return self._augment(batch, generator)

    def state_dict(self) -> dict[str, Any]:
        """Return the state that decides all batches to come."""
        return super().state_dict() | {"seeds": self._seeds.get_state()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the state that ``state_dict`` returned."""
        super().load_state_dict(state)
        self._seeds.set_state(state["seeds"])
