"""NormPlace: a place where a network has no norm of its own, kept free by a module that does nothing."""

from typing import Any

import torch
from torch import Tensor, nn

from normbench.norm_swap.audit import INSERTED
from normbench.norm_swap.kinds import Traits

INSERTED_NAME = "inserted_norm"
"""Name of a norm inside the layer after which it stands: ``conv1.inserted_norm``."""


class NormPlace(nn.Module):
    """Hands on what it gets, until a norm is put in its place.

    Attributes:
        origin: Why it is there: "inserted", or the argument of which it was made, "norm_layer=".
        dtype: Number format of the norm to come; None for that of what it gets.
    """

    origin = INSERTED

    def __init__(self, channel_axis: int, dtype: torch.dtype | None = None) -> None:
        super().__init__()
        self.channel_axis, self.dtype = channel_axis, dtype

    def forward(self, x: Tensor) -> Tensor:
        """Return the input."""
        return x

    def traits(self, shape: tuple[int, ...]) -> Traits | None:
        """Return where the channels of an input of this shape lie; None where it has none."""
        return Traits("", self.channel_axis) if len(shape) > 1 else None


class CallInserted:
    """A forward hook that sends what a layer puts out through the norm inside it.

    It holds no norm, so that a copy of the layer, or one read from a file, calls its own.
    """

    def __call__(self, layer: nn.Module, _inputs: tuple[Any, ...], output: Tensor) -> Tensor:
        """Return the normalized output."""
        normalized: Tensor = getattr(layer, INSERTED_NAME)(output)
        return normalized
