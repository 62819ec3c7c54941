"""Each channel of each sample over its own positions."""

from typing import Literal

from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's idiom
from torch.nn.modules.instancenorm import _InstanceNorm

from normbench.norms.base import (
    FeatureShape,
    NormSpec,
    Properties,
    num_positions,
    position_axes,
    refuse_lone_values,
)


class InstanceNorm(_InstanceNorm):
    """Give each channel of each sample zero mean and unit variance over its positions.

    The contrast and brightness of every single map are removed; neither the batch nor the other
    channels play a part, and training and evaluation compute the same. torch's own layer for any
    number of position axes, with weight and bias on by default (torch leaves them out).

    Shape:
        input: (N, C, *) with C = num_features and one to three position axes.
        output: same shape, dtype and device as the input.

    Args:
        num_features: Channels C of the input.
        eps: Added to the variance [input units squared].
        affine: Learn a weight (starts at 1) and a bias (starts at 0) per channel.

    Raises:
        ValueError: A map of one position, which has no variance.

    References:
        Ulyanov, Vedaldi and Lempitsky, Instance Normalization, 2016. https://arxiv.org/abs/1607.08022

    Example:
        >>> import torch
        >>> InstanceNorm(6, affine=True)(torch.randn(4, 6, 5, 5)).shape
        torch.Size([4, 6, 5, 5])
    """

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's name
        """Normalize every map by its own mean and variance."""
        return F.instance_norm(input, weight=self.weight, bias=self.bias, eps=self.eps)


class InstanceNormSpec(NormSpec):
    """Each channel of each sample over its own positions (Ulyanov, Vedaldi and Lempitsky, 2016)."""

    name: Literal["instance_norm"] = "instance_norm"
    eps: float = Field(1e-5, gt=0)
    affine: Literal["channel", "none"] = "channel"

    def build(self, feature_shape: FeatureShape) -> nn.Module:
        """Make the layer; it needs two positions or more."""
        refuse_lone_values(self.name, feature_shape, num_positions(feature_shape))
        return InstanceNorm(feature_shape[0], self.eps, affine=self.affine == "channel")

    def properties(self, feature_shape: FeatureShape, *, batch_size: int, training: bool) -> Properties:
        """Scale and shift of every map are lost."""
        return Properties(
            input_scale=True,
            sample_shift=True,
            feature_shift=True,
            averaged_axes=position_axes(feature_shape),
            num_statistics=batch_size * feature_shape[0],
        )
