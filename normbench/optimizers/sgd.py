"""Stochastic gradient descent with momentum; weight decay is L2 in the gradient."""

from typing import Any, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.optim import SGD, Optimizer

from normbench.optimizers._fused_steps import sgd_step
from normbench.optimizers._without_compiler import without_compiler
from normbench.optimizers.base import OptimizerSpec, can_be_fused

LeanSGD = without_compiler(SGD, sgd_step())


class SGDSpec(OptimizerSpec):
    """v <- momentum v + (gradient + weight_decay w), w <- w - lr v; ``momentum`` is the velocity factor."""

    decay_kind: ClassVar[str] = "L2"
    name: Literal["sgd"] = "sgd"
    lr: float = Field(0.01, gt=0, examples=[0.1])
    """Step size: the change of a weight per unit of gradient; > 0."""
    momentum: float = Field(0.9, ge=0, lt=1, examples=[0.5])
    """Velocity factor: share of the last velocity in the new one, 0 to below 1; no norm's momentum."""
    nesterov: bool = False
    """Step along the velocity that the next step would have."""

    def build(self, groups: list[dict[str, Any]], lr: float) -> Optimizer:
        """Make torch's SGD, in one fused kernel where there is one."""
        return LeanSGD(
            groups,
            lr=lr,
            momentum=self.momentum,
            nesterov=self.nesterov and self.momentum > 0,
            fused=can_be_fused(groups),
        )

    def new_state(self, parameter: Tensor) -> dict[str, Tensor]:
        """Return the velocity, which is 0 at first; none without momentum."""
        return {"momentum_buffer": torch.zeros_like(parameter)} if self.momentum else {}
