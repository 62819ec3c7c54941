"""OptimizerSpec: the base class of optimizers, whose ``build`` makes a torch optimizer."""

from abc import abstractmethod
from typing import Any, ClassVar

from pydantic import Field
from torch import Tensor
from torch.optim import Optimizer

from normbench.parts import Spec


def can_be_fused(groups: list[dict[str, Any]]) -> bool:
    """Return whether torch has one kernel for a step of these parameters: not of complex ones."""
    return all(parameter.is_floating_point() for group in groups for parameter in group["params"])


class OptimizerSpec(Spec):
    """The settings of an optimizer in YAML; ``weight_decay`` is one of the run, applied as ``decay_kind`` says."""

    decay_kind: ClassVar[str]
    """``L2`` adds weight_decay * w to the gradient; ``decoupled`` shrinks w by lr * weight_decay beside the step."""

    lr: float = Field(gt=0)

    @abstractmethod
    def build(self, groups: list[dict[str, Any]], lr: float) -> Optimizer:
        """Make the optimizer for parameter groups with their own ``weight_decay``.

        Args:
            groups: torch's parameter groups, each with ``params`` and ``weight_decay``.
            lr: The learning rate in use: the spec's, scaled with the batch size under ``lr_scaling``.
        """

    def new_state(self, parameter: Tensor) -> dict[str, Tensor] | None:
        """Return what the optimizer keeps of a parameter before its first step, as its ``state`` names it.

        Given by optimizers that treat every number of a parameter by itself: they also step several networks at once.
        None where that is not so, and the networks are trained one by one.
        """
        return None
