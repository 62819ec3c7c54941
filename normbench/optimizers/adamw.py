"""Adam with decoupled weight decay: weights shrink by lr * weight_decay beside the step."""

from typing import Any, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.optim import AdamW, Optimizer

from normbench.optimizers._fused_steps import adam_step
from normbench.optimizers._without_compiler import without_compiler
from normbench.optimizers.base import OptimizerSpec, can_be_fused

LeanAdamW = without_compiler(AdamW, adam_step("_fused_adamw_"))


class AdamWSpec(OptimizerSpec):
    """Adam, with w <- w (1 - lr weight_decay) instead of L2 in the gradient (Loshchilov and Hutter, 2017)."""

    decay_kind: ClassVar[str] = "decoupled"
    name: Literal["adamw"] = "adamw"
    lr: float = Field(0.001, gt=0, examples=[0.01])
    """Step size: about the change of a weight per step, in its units; > 0."""
    beta1: float = Field(0.9, ge=0, lt=1)
    """Share of the old value in the mean gradient, 0 to below 1."""
    beta2: float = Field(0.999, ge=0, lt=1)
    """Share of the old value in the mean squared gradient, 0 to below 1."""
    eps: float = Field(1e-8, gt=0)
    """Added to the root mean square gradient, in gradient units; > 0."""

    def build(self, groups: list[dict[str, Any]], lr: float) -> Optimizer:
        """Make torch's AdamW, in one fused kernel where there is one."""
        return LeanAdamW(groups, lr=lr, betas=(self.beta1, self.beta2), eps=self.eps, fused=can_be_fused(groups))

    def new_state(self, parameter: Tensor) -> dict[str, Tensor]:
        """Return the number of steps and both means, which are 0 at first."""
        means = {key: torch.zeros_like(parameter) for key in ("exp_avg", "exp_avg_sq")}
        return {"step": torch.zeros((), dtype=torch.float32, device=parameter.device), **means}
