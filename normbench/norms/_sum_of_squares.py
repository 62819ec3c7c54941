"""Sums of squares as a squared norm, with first and second derivatives that are right at zero too."""

from inspect import signature
from typing import Any

import torch
from torch import Tensor


def sum_of_squares(x: Tensor, dims: tuple[int, ...]) -> Tensor:
    """Return the sum of x^2 over ``dims``, which stay as axes of size 1.

    ``vector_norm(x).square()`` is fast, as it stores no squares, but torch's second derivative of it is nan where all
    x are 0: it divides by the norm. The derivatives here are 2 x and 2 everywhere, the first rounded as torch's.
    """
    norm = torch.linalg.vector_norm(x.detach(), dim=dims, keepdim=True)
    total: Tensor = _SquaredNorm.apply(x, norm, dims)  # type: ignore[no-untyped-call]
    return total


class _SquaredNorm(torch.autograd.Function):
    """The square of ``norm``, which is the norm of ``x``."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, norm: Tensor, dims: tuple[int, ...]) -> Tensor:  # noqa: ARG004 - jvp needs dims
        return norm.square()

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:  # noqa: ARG004
        x, norm, ctx.dims = inputs
        ctx.save_for_backward(x, norm)
        ctx.save_for_forward(x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        x, norm = ctx.saved_tensors
        with torch.no_grad():
            rounded = grad * (2 * norm) * (x / norm.masked_fill(norm == 0, 1))
        if torch.is_grad_enabled():  # a second derivative may follow
            exact = 2 * grad * x
            rounded = exact + (rounded - exact).detach()
        return rounded, None, None

    @staticmethod
    def jvp(ctx: Any, x_tangent: Tensor, *_: None) -> Tensor:
        (x,) = ctx.saved_tensors
        tangent: Tensor = 2 * (x * x_tangent).sum(ctx.dims, keepdim=True)
        return tangent


# torch looks the signature up at every call; kept, it costs less.
_SquaredNorm.forward.__signature__ = signature(_SquaredNorm.forward)  # type: ignore[attr-defined]
