"""IBN-a: instance norm on the first channels, batch norm on the rest."""

from math import floor
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from normbench.norms._batch_norm import BatchNorm
from normbench.norms.base import (
    FeatureShape,
    NormSpec,
    Properties,
    axes,
    check_channels,
    num_positions,
    position_axes,
    refuse_lone_values,
)
from normbench.norms.batch_norm import BatchNormSpec
from normbench.norms.instance_norm import InstanceNorm
from normbench.parts import About


class IBN(nn.Module):
    """Normalize the first channels by instance norm and the others by batch norm.

    The first floor(ratio C) channels lose brightness and contrast of every map, which is style; the others keep
    what tells samples apart. In a residual network it replaces the norm after the first convolution of a block, in
    early stages. IBN-b is a place for instance norm, not a layer. Any number of channels is split; the published code
    cuts pieces of floor(ratio C), which fails for odd numbers and ratios other than 0.5. DenseNet-IBN puts the batch
    norm first.

    Shape:
        input: (N, C, *) with C = num_features and one to three position axes.
        output: same shape, dtype and device as the input.

    Args:
        num_features: Channels C of the input.
        ratio: Share of the channels that get instance norm, 0 to 1.
        eps: Added to the variance [input units squared].
        momentum: Share of the NEW batch in batch norm's running statistics, 0 to 1.
        affine: Learn a weight (starts at 1) and a bias (starts at 0) per channel.

    Raises:
        ValueError: The channels are not C, or a map has one position, which has no variance.

    References:
        Pan, Luo, Shi and Tang, Two at Once: Enhancing Learning and Generalization Capacities via IBN-Net, 2018.
        https://arxiv.org/abs/1807.09441

    Example:
        >>> IBN(5)(torch.randn(4, 5, 6, 6)).shape
        torch.Size([4, 5, 6, 6])
    """

    def __init__(
        self, num_features: int, ratio: float = 0.5, eps: float = 1e-5, momentum: float = 0.1, *, affine: bool = True
    ) -> None:
        super().__init__()
        num_instance = instance_channels(num_features, ratio)
        self.sizes = [num_instance, num_features - num_instance]
        self.instance_norm = InstanceNorm(self.sizes[0], eps, affine=affine) if self.sizes[0] else nn.Identity()
        self.batch_norm = BatchNorm(self.sizes[1], eps, momentum, affine=affine) if self.sizes[1] else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Apply instance norm to the first channels and batch norm to the rest."""
        check_channels(x, sum(self.sizes))
        first, rest = x.split(self.sizes, dim=1)
        return torch.cat([self.instance_norm(first), self.batch_norm(rest)], dim=1)


def instance_channels(num_features: int, ratio: float) -> int:
    """Return the number of channels with instance norm: floor(ratio C), without rounding errors of the ratio."""
    return floor(round(ratio * num_features, 6))


class IBNSpec(NormSpec):
    """Instance norm on the first channels, batch norm on the rest: IBN-a (Pan et al., 2018)."""

    about: ClassVar[About] = About(
        formula="(x - mean) / sqrt(var + eps) * weight + bias",
        paper=(
            "Pan, Luo, Shi and Tang, Two at Once: Enhancing Learning and Generalization Capacities via IBN-Net, 2018"
        ),
        url="https://arxiv.org/abs/1807.09441",
        good_for="Images whose style differs between training and use: half the channels forget it.",
        bad_for="Deep layers, and tasks in which style carries the label.",
        disagreements=(
            "ResNets take instance norm on the first half, DenseNets batch norm first.",
            "The published code fails for odd channel counts; here the first share is rounded down.",
        ),
    )
    name: Literal["ibn"] = "ibn"
    ratio: float = Field(0.5, ge=0, le=1)
    """Share of the channels, the first ones, that get instance norm, 0 to 1; the rest gets batch norm."""
    eps: float = Field(1e-5, gt=0)
    """Added to the variance, in input units squared; > 0."""
    momentum: float = Field(0.1, ge=0, le=1)
    """Share of the new batch in running statistics, 0 to 1 (elsewhere of the old one)."""
    affine: Literal["channel", "none"] = "channel"
    """Learn a weight and a bias per channel, or none."""

    def build(self, feature_shape: FeatureShape) -> nn.Module:
        """Make the layer; instance norm needs two positions or more."""
        refuse_lone_values(self.name, feature_shape, num_positions(feature_shape))
        return IBN(feature_shape[0], self.ratio, self.eps, self.momentum, affine=self.affine == "channel")

    def properties(self, feature_shape: FeatureShape, *, batch_size: int, training: bool) -> Properties:
        """Return the properties that both norms have."""
        num_instance = instance_channels(feature_shape[0], self.ratio)
        num_batch = feature_shape[0] - num_instance
        positions = position_axes(feature_shape)
        batch = axes("N", positions) if num_batch and training else ""
        return Properties(
            input_scale=training or not num_batch,
            sample_shift=not num_batch,
            feature_shift=training or not num_batch,
            sample_independent=not (num_batch and training),
            same_in_eval=not num_batch,
            averaged_axes=" | ".join(axis for axis in (positions if num_instance else "", batch) if axis),
            num_statistics=batch_size * num_instance + (num_batch if training else 0),
        )

    def check_batch(self, feature_shape: FeatureShape, batch_size: int) -> None:
        """Refuse a batch that batch norm refuses."""
        BatchNormSpec().check_batch(feature_shape, batch_size)
