"""Groups of channels of one sample."""

from typing import Literal

from pydantic import Field
from torch import nn

from normbench.errors import SettingError, divisors
from normbench.norms.base import (
    FeatureShape,
    NormSpec,
    Properties,
    axes,
    num_positions,
    position_axes,
    refuse_lone_values,
)


class GroupNormSpec(NormSpec):
    """Groups of neighbouring channels of one sample; no batch (Wu and He, 2018).

    torch's own layer. The C channels are cut into ``num_groups`` blocks of neighbours; mean and biased
    variance are taken over a block and all its positions. One group is layer norm over (C, *), C groups
    are instance norm. torch squares in float32: above about 1e18 the output is not finite. https://arxiv.org/abs/1803.08494
    """

    name: Literal["group_norm"] = "group_norm"
    num_groups: int = Field(2, ge=1)
    eps: float = Field(1e-5, gt=0)
    affine: Literal["channel", "none"] = "channel"

    def build(self, feature_shape: FeatureShape) -> nn.Module:
        """Make the layer; ``num_groups`` must divide the channels, and every group hold two values."""
        num_features = feature_shape[0]
        if num_features % self.num_groups:
            rule = f"must divide the {num_features} features"
            raise SettingError("num_groups", rule, self.num_groups, f"Use one of {divisors(num_features)}.")
        refuse_lone_values(self.name, feature_shape, num_features // self.num_groups * num_positions(feature_shape))
        return nn.GroupNorm(self.num_groups, num_features, self.eps, affine=self.affine == "channel")

    def properties(self, feature_shape: FeatureShape, *, batch_size: int, training: bool) -> Properties:
        """Each sample on its own; a constant per feature is lost only with one channel per group."""
        channels = {1: "C", feature_shape[0]: ""}.get(self.num_groups, "C/G")
        return Properties(
            input_scale=True,
            sample_shift=True,
            feature_shift=self.num_groups == feature_shape[0],
            averaged_axes=axes(channels, position_axes(feature_shape)),
            num_statistics=batch_size * self.num_groups,
        )
