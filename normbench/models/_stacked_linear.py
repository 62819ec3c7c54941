"""StackedLinear: a dense layer of several networks at once, one matrix product per member."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from normbench.stacking import RealRows, Stacked, applied


class StackedLinear(Stacked):
    """The dense layer of S networks as one, with its stages: (S, N, in_features) -> (S, N, out_features).

    Going back sets or adds to the gradients of weight and bias, in memory that is kept from step to step: for large
    layers the system would take it away and give it anew each time, at up to half the cost of a step.
    """

    bias: Any
    weight: Any

    def __init__(self, members: Sequence[Any]) -> None:
        super().__init__(members)
        self.stages = members[0].stages
        if members[0].bias is None:
            self.register_parameter("bias", None)
        self._room = torch.empty_like(self.weight), None if self.bias is None else torch.empty_like(self.bias)

    def forward(self, x: Tensor, real: RealRows | None = None) -> Tensor:
        """Apply each member's weights, then the stages in their order; all rows are real unless told otherwise."""
        x = _Products.apply(x, self.weight, self.bias, self._room)  # type: ignore[no-untyped-call]
        for stage in self.stages:
            x = applied(self._modules[stage], x, real)  # type: ignore[arg-type]
        return x


class _Products(torch.autograd.Function):
    """x W^T + b of each member; torch's own derivative of the product copies the transposed gradient of the weight."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, room: tuple[Tensor, Tensor | None]) -> Tensor:
        ctx.save_for_backward(x)
        ctx.parameters, ctx.room = (weight, bias), room
        columns = weight.transpose(1, 2)
        return torch.bmm(x, columns) if bias is None else torch.baddbmm(bias, x, columns)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, None, None, None]:
        (grad,), (x,) = grads, ctx.saved_tensors
        weight, bias = ctx.parameters
        rows = grad.transpose(1, 2)
        if weight.grad is None:
            weight.grad = torch.bmm(rows, x, out=ctx.room[0])
        else:  # the layer is called several times
            weight.grad.baddbmm_(rows, x)
        if bias is not None:
            of_bias = torch.sum(grad, 1, keepdim=True, out=ctx.room[1]) if bias.grad is None else grad.sum(1, True)
            bias.grad = of_bias if bias.grad is None else bias.grad.add_(of_bias)
        return (torch.bmm(grad, weight) if ctx.needs_input_grad[0] else None), None, None, None
