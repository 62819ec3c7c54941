"""Stochastic gradient descent with momentum; weight decay is L2 in the gradient."""

from typing import Any, ClassVar, Literal

from pydantic import Field
from torch.optim import SGD, Optimizer

from normbench.optimizers.base import OptimizerSpec


class SGDSpec(OptimizerSpec):
    """v <- momentum v + (gradient + weight_decay w), w <- w - lr v; ``momentum`` is the velocity factor."""

    decay_kind: ClassVar[str] = "L2"
    name: Literal["sgd"] = "sgd"
    lr: float = Field(0.01, gt=0)
    momentum: float = Field(0.9, ge=0, lt=1)
    nesterov: bool = False

    def build(self, groups: list[dict[str, Any]], lr: float) -> Optimizer:
        """Make torch's SGD, in one fused kernel."""
        return SGD(groups, lr=lr, momentum=self.momentum, nesterov=self.nesterov and self.momentum > 0, fused=True)
