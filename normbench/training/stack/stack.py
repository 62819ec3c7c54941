"""Stack: networks of several runs as one, whose step is a step of each of them."""

from collections.abc import Sequence
from copy import deepcopy

from torch import Tensor

from normbench.inspection.losses import losses_of_members
from normbench.inspection.watch.frame import copies
from normbench.models.base import learned_parameters
from normbench.stacking import stacked
from normbench.study.config import RunConfig
from normbench.training.backward import go_back_from_means
from normbench.training.stack.batches import StackedBatches
from normbench.training.stack.optimizer import StackedOptimizer
from normbench.training.training_objects import Training


class Stack:
    """Makes steps of several runs at once; each run keeps objects of its own, which share all numbers with it.

    The parameters, buffers and optimizer states of the members become views of stacked tensors. Between two steps of
    the stack a member can be read, recorded and trained as if it were alone.

    Args:
        members: The objects of each slot; None for a slot that is not trained. It computes what the first member does,
            since the bits of a step depend on the number of slots, though not on what the others hold.
        configs: The settings of each slot, those that are not trained included.
    """

    def __init__(self, members: Sequence[Training | None], configs: Sequence[RunConfig]) -> None:
        first = next(member for member in members if member is not None)
        self._slots = [member or idle_copy(first) for member in members]
        losses_of = losses_of_members(configs[0].dataset.task)
        assert losses_of is not None, "stackable.obstacle() refuses such tasks"
        self._losses_of = losses_of
        self.network = stacked([member.model for member in self._slots]).train()
        self._parameters = list(self.network.parameters())
        self.optimizer = StackedOptimizer(self._parameters, self._slots, configs)
        self._batches = StackedBatches([member.batches for member in self._slots])

    def step(self, step: int) -> list[float]:
        """Make a step of every slot and return the loss of each; ``step`` updates were made so far."""
        means = self.gradient()
        self.optimizer.step(step)
        return means

    def gradient(self) -> list[float]:
        """Compute the gradient of the next batch of every slot and return the loss of each."""
        x, y = self._batches.next()
        losses = self._losses_of(self.network(x), y)
        for parameter in self._parameters:
            parameter.grad = None
        means: list[float] = go_back_from_means(losses).tolist()
        return means

    def grads_of(self, slot: int) -> dict[str, Tensor]:
        """Return copies of the gradients of one slot by their parameter's name."""
        names = learned_parameters(self._slots[slot].model)
        found = zip(names, self._parameters, strict=True)
        return copies({name: stacked.grad[slot] for name, stacked in found if stacked.grad is not None})


def idle_copy(member: Training) -> Training:
    """Return objects for a slot that is not trained: copies of network and optimizer, and the same batches."""
    model, optimizer, penalty = deepcopy((member.model, member.optimizer, member.penalty))
    return Training(
        model=model,
        batches=member.batches,
        optimizer=optimizer,
        loss=member.loss,
        penalty=penalty,
        read=member.read,
        lr_of_step=member.lr_of_step,
    )
