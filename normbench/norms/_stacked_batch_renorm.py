"""StackedBatchRenorm: the batch renorm of several networks at once, each with its own running statistics and step."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from normbench.norms._renorm import corrected, corrections, finite_std, remember, running_moments
from normbench.norms._stacked_batch_norm import StackedBatchNorm, moments_of_real_rows, of_all_rows, of_real_rows
from normbench.stacking import RealRows


class StackedBatchRenorm(StackedBatchNorm):
    """The batch renorm of several networks as one, in training: (S, N, C) -> (S, N, C), each over its own samples."""

    def __init__(self, members: Sequence[Any]) -> None:
        super().__init__(members)
        self.limits = members[0].limits

    def forward(self, x: Tensor, real: RealRows | None = None) -> Tensor:
        """Normalize each member's batch, correct it by the member's r and d, and remember its statistics."""
        if real is not None:
            centered, mean, var = moments_of_real_rows(x, real)
            return of_real_rows(centered, var, *self._affine(mean.detach(), var.detach()), self.eps)
        values = x.detach()
        mean = values.mean(1, keepdim=True)
        affine = self._affine(mean, (values - mean).square().mean(1, keepdim=True))
        return of_all_rows(x, *affine, self.eps)

    def _affine(self, mean: Tensor, var: Tensor) -> tuple[Tensor, Tensor]:
        """Return weight and bias with r and d in them, (S, 1, C), and take the batch into the running statistics."""
        buffers: Any = self._buffers
        running_mean, running_var, step = (
            buffers[name] for name in ("running_mean", "running_var", "num_batches_tracked")
        )
        moments, running = (mean, finite_std(var, self.eps)), running_moments(running_mean, running_var, self.eps)
        r, d = corrections(moments, running, self.limits, step.view(-1, 1, 1))
        step.add_(1)
        remember((running_mean, running_var), running, moments, self.eps, self.momentum)
        return corrected(self.weight, self.bias, r, d)
