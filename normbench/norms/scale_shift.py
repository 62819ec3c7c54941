"""Scale and shift: weight and bias per channel without normalizing, as the control arm for the affine part."""

from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from normbench.norms._stacked import StackedNorm
from normbench.norms.base import FeatureShape, NormSpec, Properties, check_channels, scale_and_shift
from normbench.parts import About


class StackedScaleShift(StackedNorm):
    """The scale and shift of several networks as one: (S, N, C) -> (S, N, C)."""

    def forward(self, x: Tensor) -> Tensor:
        """Return weight x + bias."""
        return self.scaled_and_shifted(x)


class ScaleShift(nn.Module):
    """Multiply each channel by a learned weight and add a learned bias.

    What every normalization layer does after normalizing, and nothing else: an arm with it has the
    same parameters as an arm with ``batch_norm`` and none of its statistics.

    Shape:
        input: (N, C, *) with C = num_features.
        output: same shape, dtype and device as the input.

    Args:
        num_features: Channels C of the input.

    Raises:
        ValueError: The channels are not C.

    References:
        Frankle, Schwab and Morcos, Training BatchNorm and Only BatchNorm, 2021 (what weight and
        bias alone can learn). https://arxiv.org/abs/2003.00152

    Example:
        >>> ScaleShift(6)(torch.ones(2, 6)).sum().item()
        12.0
    """

    stacked_form = StackedScaleShift

    def __init__(self, num_features: int) -> None:
        super().__init__()
        self.num_features = num_features
        self.weight = nn.Parameter(torch.empty(num_features))
        self.bias = nn.Parameter(torch.empty(num_features))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Start as the identity."""
        nn.init.ones_(self.weight)
        nn.init.zeros_(self.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Return weight x + bias, channel by channel."""
        check_channels(x, self.num_features)
        return scale_and_shift(x, self.weight, self.bias)


class ScaleShiftSpec(NormSpec):
    """Weight and bias per channel, no normalizing: the control arm."""

    about: ClassVar[About] = About(
        formula="x * weight + bias",
        paper="Frankle, Schwab and Morcos, Training BatchNorm and Only BatchNorm, 2021",
        url="https://arxiv.org/abs/2003.00152",
        good_for="The control arm: the parameters of a norm without its statistics.",
        bad_for="Holding a signal's scale: it normalizes nothing.",
    )
    name: Literal["scale_shift"] = "scale_shift"

    def build(self, feature_shape: FeatureShape) -> nn.Module:
        """Make a weight and a bias for each of C channels."""
        return ScaleShift(feature_shape[0])

    def properties(self, feature_shape: FeatureShape, *, batch_size: int, training: bool) -> Properties:
        """Return the properties: nothing is invariant, nothing is averaged."""
        return Properties()
