"""StackedBatchNorm: the batch norm of several networks at once, each over its own samples or its own real rows."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - torch's idiom

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
        return self._of_all_rows(x) if real is None else self._of_real_rows(x, real)

    def _of_real_rows(self, x: Tensor, real: RealRows) -> Tensor:
        mean = real.mean(x)
        centered = x - mean
        var = real.mean(centered.square())
        running_mean, running_var = self._running_stats()
        if running_mean is not None and running_var is not None:
            with torch.no_grad():
                running_mean.lerp_(mean.view(-1), self.momentum or 0.0)
                running_var.lerp_((var * real.count / (real.count - 1)).view(-1), self.momentum or 0.0)
            keep_finite(running_mean, running_var)
        factor = torch.rsqrt(var + self.eps)
        if self.weight is None or self.bias is None:
            return centered * factor
        return torch.addcmul(self.bias, centered, factor * self.weight)

    def _of_all_rows(self, x: Tensor) -> Tensor:
        """Normalize S x C channels of one batch."""
        num_members, num_samples, num_features = x.shape
        stats = self._running_stats()
        weight, bias = (None if own is None else own.view(-1) for own in (self.weight, self.bias))
        folded = x.transpose(0, 1).reshape(num_samples, -1)
        y = F.batch_norm(folded, *stats, weight, bias, True, self.momentum or 0.0, self.eps)
        keep_finite(*(known for known in stats if known is not None))
        return y.view(num_samples, num_members, num_features).transpose(0, 1)

    def _running_stats(self) -> tuple[Tensor | None, Tensor | None]:
        if not self.remembers:
            return None, None
        self.get_buffer("num_batches_tracked").add_(1)
        return self.get_buffer("running_mean").view(-1), self.get_buffer("running_var").view(-1)
