"""StackedNorm: the base class of norms of several networks at once, on features without positions."""

from typing import Any

import torch
from torch import Tensor, nn

from normbench.stacking import Stacked


class StackedNorm(Stacked):
    """The norm of S networks as one: (S, N, C) -> (S, N, C); weight and bias, where there are any, are (S, 1, C)."""

    weight: nn.Parameter | None
    bias: nn.Parameter | None

    def __init__(self, members: Any) -> None:
        super().__init__(members)
        for name in ("weight", "bias"):
            if name not in self._parameters:
                self.register_parameter(name, None)

    @classmethod
    def obstacle(cls, member: Any) -> str:
        """Refuse features with positions, such as images; and statistics of steps for which real ones must be told."""
        shape, built = getattr(member, "feature_shape", None), getattr(member, "built_from", None)
        if shape is not None and len(shape) > 1:
            return "normalizes features with positions"
        if built is None or not built.per_step or cls.takes_real_rows:
            return ""
        alone = built.spec.properties(shape, batch_size=2, training=True).sample_independent
        return "" if alone else "takes statistics over the real steps of sequences"

    def scaled_and_shifted(self, x: Tensor) -> Tensor:
        """Return weight x + bias of each member; x itself without them."""
        if self.weight is None:
            return x
        return x * self.weight if self.bias is None else torch.addcmul(self.bias, x, self.weight)
