"""StackedBatchNorm: the batch norm of several networks at once, as more channels of one batch."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from normbench.norms._stacked import StackedNorm
from normbench.norms.base import keep_finite
from normbench.stacking import RealRows


class StackedBatchNorm(StackedNorm):
    """The batch norm of several networks as one, in training: (S, N, C) -> (S, N, C), each over its own samples."""

    takes_real_rows = True

    def __init__(self, members: Sequence[Any]) -> None:
        super().__init__(members)
        first = members[0]
        self.eps, self.momentum = first.eps, first.momentum
        self.remembers = first.running_mean is not None and first.momentum != 0

    @classmethod
    def obstacle(cls, member: Any) -> str:
        """Refuse what torch's kernel does not keep: averages of all batches, and several momenta."""
        if member.extra_momenta:
            return "keeps running statistics of extra_momenta"
        return "averages all batches (momentum: null)" if member.momentum is None else super().obstacle(member)

    def forward(self, x: Tensor, real: RealRows | None = None) -> Tensor:
        """Normalize each member's batch, and remember its statistics; those of real rows where not all are."""
        if real is not None:
            return self._of_real_rows(x, real)
        running = self._running_stats()
        output = of_all_rows(x, self.weight, self.bias, self.eps, running, self.momentum)
        keep_finite(*running)
        return output

    def _of_real_rows(self, x: Tensor, real: RealRows) -> Tensor:
        centered, mean, var = moments_of_real_rows(x, real)
        running = self._running_stats()
        if running:
            with torch.no_grad():
                running[0].lerp_(mean.view(-1), self.momentum)
                running[1].lerp_((var * real.count / (real.count - 1)).view(-1), self.momentum)
            keep_finite(*running)
        return of_real_rows(centered, var, self.weight, self.bias, self.eps)

    def _running_stats(self) -> tuple[Tensor, ...]:
        """Return running mean and variance of all members, (S * C,) each, and count a batch; nothing without them."""
        if not self.remembers:
            return ()
        buffers: Any = self._buffers
        buffers["num_batches_tracked"].add_(1)
        return buffers["running_mean"].view(-1), buffers["running_var"].view(-1)


def moments_of_real_rows(x: Tensor, real: RealRows) -> tuple[Tensor, Tensor, Tensor]:
    """Return (S, N, C) less each member's mean over its real rows, that mean and the variance, (S, 1, C)."""
    mean = real.mean(x)
    centered = x - mean
    return centered, mean, real.mean(centered.square())


def of_real_rows(centered: Tensor, var: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float) -> Tensor:
    """Return centred rows by their std, by the weight and with the bias."""
    factor = torch.rsqrt(var + eps)
    if weight is None or bias is None:
        return centered * factor
    return torch.addcmul(bias, centered, factor * weight)


def of_all_rows(
    x: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    eps: float,
    running: Sequence[Tensor] = (),
    momentum: float = 0.0,
) -> Tensor:
    """Return each member's rows, (S, N, C), normalized by their own mean and std, by the weight and with the bias."""
    output: Tensor = _AllRows.apply(x, weight, bias, running, momentum, eps)  # type: ignore[no-untyped-call]
    return output


class _AllRows(torch.autograd.Function):
    """torch's kernel on S x C channels of N samples; its own derivative is the same with more views on the way."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor | None,
        bias: Tensor | None,
        running: Sequence[Tensor],
        momentum: float,
        eps: float,
    ) -> Tensor:
        mean, var = running or (None, None)
        scale, shift = (None if own is None else own.view(-1) for own in (weight, bias))
        folded = x.transpose(0, 1).reshape(x.shape[1], -1)
        y, batch_mean, factor = torch.native_batch_norm(folded, scale, shift, mean, var, True, momentum, eps)
        ctx.save_for_backward(folded, scale, batch_mean, factor)
        ctx.shape, ctx.eps = x.shape, eps
        return y.view(x.shape[1], x.shape[0], -1).transpose(0, 1)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        folded, scale, mean, factor = ctx.saved_tensors
        num_members, num_samples, _ = ctx.shape
        grad = grads[0].transpose(0, 1).reshape(num_samples, -1)
        is_affine = scale is not None
        of_x, of_weight, of_bias = torch.ops.aten.native_batch_norm_backward(
            grad, folded, scale, None, None, mean, factor, True, ctx.eps, [True, is_affine, is_affine]
        )
        of_own = [of_weight.view(num_members, 1, -1), of_bias.view(num_members, 1, -1)] if is_affine else [None, None]
        return of_x.view(num_samples, num_members, -1).transpose(0, 1), *of_own, None, None, None
