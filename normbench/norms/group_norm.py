"""Group norm: normalizes groups of neighbouring channels of one sample."""

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's idiom

from normbench.errors import SettingError
from normbench.norms._group_count import CountOrPolicy, GroupsAtMost, refuse_no_divisor
from normbench.norms._stacked import StackedNorm
from normbench.norms.base import (
    FeatureShape,
    NormSpec,
    Properties,
    axes,
    check_channels,
    group_norm,
    num_positions,
    position_axes,
    refuse_lone_values,
)
from normbench.parts import About


class StackedGroupNorm(StackedNorm):
    """The group norm of several networks as one: (S, N, C) -> (S, N, C)."""

    def __init__(self, members: Sequence["GroupNorm"]) -> None:
        super().__init__(members)
        self.num_groups, self.eps = members[0].num_groups, members[0].eps

    def forward(self, x: Tensor) -> Tensor:
        """Normalize each group of each sample, then scale and shift by its member's weight and bias."""
        groups = x.unflatten(-1, (self.num_groups, -1))
        return self.scaled_and_shifted(F.layer_norm(groups, groups.shape[-1:], eps=self.eps).view(x.shape))


class GroupNorm(nn.GroupNorm):
    """torch's own layer, but that it refuses other numbers of channels also where it learns nothing.

    Shape:
        input: (N, C, *) with C = num_channels.
        output: same shape, dtype and device as the input.

    Raises:
        ValueError: The channels are not ``num_channels``.

    References:
        Wu and He, Group Normalization, 2018. https://arxiv.org/abs/1803.08494

    Example:
        >>> import torch
        >>> GroupNorm(2, 6)(torch.randn(4, 6, 5, 5)).shape
        torch.Size([4, 6, 5, 5])
    """

    stacked_form = StackedGroupNorm

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's name
        """Normalize groups of channels."""
        check_channels(input, self.num_channels)
        return group_norm(input, self.num_groups, self.weight, self.bias, self.eps)


class GroupNormSpec(NormSpec):
    """Groups of neighbouring channels of one sample; no batch (Wu and He, 2018).

    torch's own layer. The C channels are cut into ``num_groups`` blocks of neighbours, or into blocks of
    ``channels_per_group``: one of the two is given. Where layers differ in C, the rule ``num_groups: {at_most: 32,
    min_channels: 2}`` stands for the most groups of equal size that it allows in each. Mean and biased variance are
    taken over a block and all its positions. One group is layer norm over (C, *), one channel per group is instance
    norm. torch squares in float32: above about 1e18 the output is not finite. https://arxiv.org/abs/1803.08494
    """

    about: ClassVar[About] = About(
        formula="(x - mean) / sqrt(var + eps) * weight + bias",
        paper="Wu and He, Group Normalization, 2018",
        url="https://arxiv.org/abs/1803.08494",
        good_for="Convolutional networks with small batches: it does not look at the batch.",
        bad_for="Large batches on small data, where batch norm's noise regularizes.",
        disagreements=(
            "torch takes (num_groups, num_channels), some libraries the other way round.",
            ("Some libraries choose the groups by themselves, for example as the common divisor of 32 and C."),
        ),
        documents=(
            ("The number of statistics is N * num_groups; the printed 2 * (4 / 2) is right by accident."),
            (
                "One document divides the channels by a fixed 16 instead of the number of groups, and"
                " does not shape them back."
            ),
            (
                "Another's hand-written layer divides by n - 1: the printed sum of differences, 55.41, is "
                "sqrt(3) / 4 for each of 16 * 8 statistics: 55.43."
            ),
            "It measures instance norm again where it prints group norm's distance: not 31.95, but near 8.0.",
        ),
    )
    name: Literal["group_norm"] = "group_norm"
    num_groups: Annotated[int | GroupsAtMost | None, CountOrPolicy()] = Field(
        2, title="a whole number >= 1, {at_most: 32, min_channels: 2}, or null"
    )
    """Groups of neighbouring channels: a divisor of the channels, or a rule; null if channels_per_group is given."""
    channels_per_group: int | None = Field(None, ge=1, examples=[4])
    """Channels per group, instead of num_groups; must divide the channels."""
    eps: float = Field(1e-5, gt=0)
    """Added to the variance, in input units squared; > 0."""
    affine: Literal["channel", "none"] = "channel"
    """Learn a weight and a bias per channel, or none."""

    @model_validator(mode="before")
    @classmethod
    def _one_is_given(cls, settings: Any) -> Any:
        if isinstance(settings, dict) and settings.get("channels_per_group") is not None:
            return {"num_groups": None, **settings}
        return settings

    def changed(self) -> dict[str, Any]:
        """Return the settings that differ from their defaults; ``channels_per_group`` alone says both."""
        changed = super().changed()
        return {key: value for key, value in changed.items() if (key, value) != ("num_groups", None)}

    def build(self, feature_shape: FeatureShape) -> nn.Module:
        """Make the layer; the setting must divide the channels, and every group hold two values."""
        num_features, key = feature_shape[0], self._key()
        number = getattr(self, key)
        if isinstance(number, int):
            refuse_no_divisor(key, number, num_features)
        num_groups = self._num_groups(num_features)
        refuse_lone_values(self.name, feature_shape, num_features // num_groups * num_positions(feature_shape))
        return GroupNorm(num_groups, num_features, self.eps, affine=self.affine == "channel")

    def _key(self) -> Literal["num_groups", "channels_per_group"]:
        if (self.num_groups is None) == (self.channels_per_group is None):
            rule = "must be given if channels_per_group is not, and only then"
            raise SettingError("num_groups", rule, self.num_groups, "Set one of the two.")
        return "num_groups" if self.channels_per_group is None else "channels_per_group"

    def _num_groups(self, num_features: int) -> int:
        if isinstance(self.num_groups, GroupsAtMost):
            return self.num_groups.count(num_features)
        return self.num_groups or num_features // (self.channels_per_group or 1)

    def properties(self, feature_shape: FeatureShape, *, batch_size: int, training: bool) -> Properties:
        """Return the properties: samples are independent; a constant per feature is lost with one channel per group."""
        num_groups = self._num_groups(feature_shape[0])
        channels = {1: "C", feature_shape[0]: ""}.get(num_groups, "C/G")
        return Properties(
            input_scale=True,
            sample_shift=True,
            feature_shift=num_groups == feature_shape[0],
            averaged_axes=axes(channels, position_axes(feature_shape)),
            num_statistics=batch_size * num_groups,
        )
