"""StackedLinear: a dense layer of several networks at once, one matrix product per member."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from normbench.stacking import RealRows, Stacked, applied


class StackedLinear(Stacked):
    """The dense layer of S networks as one, with its stages: (S, N, in_features) -> (S, N, out_features)."""

    bias: nn.Parameter | None
    weight: nn.Parameter

    def __init__(self, members: Sequence[Any]) -> None:
        super().__init__(members)
        self.stages = members[0].stages
        if members[0].bias is None:
            self.register_parameter("bias", None)

    def forward(self, x: Tensor, real: RealRows | None = None) -> Tensor:
        """Apply each member's weights, then the stages in their order; all rows are real unless told otherwise."""
        x = _Products.apply(x, self.weight, self.bias)  # type: ignore[no-untyped-call]
        for stage in self.stages:
            x = applied(self._modules[stage], x, real)  # type: ignore[arg-type]
        return x


class _Products(torch.autograd.Function):
    """x W^T + b of each member; torch's own derivative of the product copies the transposed gradient of the weight."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.has_bias = bias is not None
        columns = weight.transpose(1, 2)
        return torch.bmm(x, columns) if bias is None else torch.baddbmm(bias, x, columns)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, Tensor, Tensor | None]:
        (grad,), (x, weight) = grads, ctx.saved_tensors
        of_x = torch.bmm(grad, weight) if ctx.needs_input_grad[0] else None
        return of_x, torch.bmm(grad.transpose(1, 2), x), grad.sum(1, keepdim=True) if ctx.has_bias else None
