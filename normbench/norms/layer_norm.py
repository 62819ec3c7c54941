"""Layer norm: normalizes all features of one sample, or each map, row or position of it."""

from collections.abc import Sequence
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's idiom

from normbench.errors import SettingError
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
    scale_and_shift,
)
from normbench.parts import About
from normbench.precision import at_least_float32

Over = Literal["sample", "map", "row", "position"]
Affine = Literal["channel", "element", "none"]


class StackedLayerNorm(StackedNorm):
    """The layer norm of several networks as one: (S, N, C) -> (S, N, C)."""

    def __init__(self, members: Sequence["LayerNorm"]) -> None:
        super().__init__(members)
        self.eps = members[0].eps

    def forward(self, x: Tensor) -> Tensor:
        """Normalize each sample, then scale and shift by its member's weight and bias."""
        return self.scaled_and_shifted(F.layer_norm(x, x.shape[-1:], eps=self.eps))


class LayerNorm(nn.Module):
    """Give each sample, or each map, row or position of it, zero mean and unit variance.

    "Layer norm" on images means different things to different people, so the choice has a name:
    ``sample`` averages over (C, *), ``map`` over the positions of one channel, ``row`` over the last
    axis, ``position`` over the channels at one position. The batch plays no part, so training and
    evaluation compute the same. torch's kernels square in float32: above about 1e18 the output is not finite.

    Shape:
        input: (N, *feature_shape).
        output: same shape, dtype and device as the input.

    Args:
        feature_shape: One sample's shape, (C,) or (C, *).
        over: What one mean and variance are taken over.
        eps: Added to the variance [input units squared].
        affine: Learn weight and bias per ``channel``, per ``element`` of what is averaged over (torch's default), or
            ``none``.

    Raises:
        ValueError: The channels are not C.

    References:
        Ba, Kiros and Hinton, Layer Normalization, 2016. https://arxiv.org/abs/1607.06450

    Example:
        >>> LayerNorm((6, 5, 5))(torch.randn(4, 6, 5, 5)).shape
        torch.Size([4, 6, 5, 5])
    """

    stacked_form = StackedLayerNorm
    weight: nn.Parameter | None
    bias: nn.Parameter | None

    def __init__(
        self, feature_shape: FeatureShape, over: Over = "sample", eps: float = 1e-5, affine: Affine = "channel"
    ) -> None:
        super().__init__()
        self.num_features, self.over, self.eps, self.affine = feature_shape[0], over, eps, affine
        self.normalized_shape = _normalized_shape(feature_shape, over)
        shape = {"channel": feature_shape[:1], "element": self.normalized_shape, "none": None}[affine]
        self.weight = nn.Parameter(torch.empty(shape)) if shape else None
        self.bias = nn.Parameter(torch.empty(shape)) if shape else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Start with weight 1 and bias 0."""
        if self.weight is not None and self.bias is not None:
            nn.init.ones_(self.weight)
            nn.init.zeros_(self.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Normalize, then scale and shift."""
        check_channels(x, self.num_features)
        if self.over == "position":
            return self._over_last_axes(x.movedim(1, -1)).movedim(-1, 1).to(x.dtype)
        if self.affine == "element":
            return self._over_last_axes(x).to(x.dtype)
        if self.over == "row":
            rows = F.layer_norm(at_least_float32(x), self.normalized_shape, eps=self.eps)
            return scale_and_shift(rows, self.weight, self.bias).to(x.dtype)
        num_groups = 1 if self.over == "sample" else self.num_features  # one kernel normalizes and scales channels
        return group_norm(x, num_groups, self.weight, self.bias, self.eps)

    def _over_last_axes(self, x: Tensor) -> Tensor:
        weight, bias = at_least_float32(self.weight), at_least_float32(self.bias)
        return F.layer_norm(at_least_float32(x), self.normalized_shape, weight, bias, self.eps)


def _normalized_shape(feature_shape: FeatureShape, over: Over) -> FeatureShape:
    return {
        "sample": feature_shape,
        "map": feature_shape[1:],
        "row": feature_shape[-1:],
        "position": feature_shape[:1],
    }[over]


class LayerNormSpec(NormSpec):
    """All features of one sample (or of one map, row or position of it); no batch (Ba, Kiros and Hinton, 2016)."""

    about: ClassVar[About] = About(
        formula="(x - mean) / sqrt(var + eps) * weight + bias",
        paper="Ba, Kiros and Hinton, Layer Normalization, 2016",
        url="https://arxiv.org/abs/1607.06450",
        good_for="Recurrent networks and transformers, any batch size, sequences of varying length.",
        bad_for=("Tasks in which a sample's overall contrast or brightness is the answer: it is normalized away."),
        disagreements=(
            (
                '"Layer norm" on images means over (C, H, W), over C at each position, or over the '
                "last axis: over: sample, position, row."
            ),
            (
                "torch learns a weight per element of what is averaged over, here per channel by "
                "default: affine: element is torch's."
            ),
            "eps is 1e-5 in torch and 1e-6 in some vision models.",
        ),
        documents=(
            ('"gamma and beta are per sample": they are per element of normalized_shape and shared by all samples.'),
            (
                "A hand-written layer divides by n - 1: the printed sum of differences, 6.92, is sqrt(3) / 4 for "
                "each of 16 statistics: 6.93."
            ),
        ),
    )
    name: Literal["layer_norm"] = "layer_norm"
    over: Over = "sample"
    """What one mean and variance are taken over: the sample, a map (channel), a row (last axis) or a position."""
    eps: float = Field(1e-5, gt=0)
    """Added to the variance, in input units squared; > 0."""
    affine: Affine = "channel"
    """Learn weight and bias per channel, per element of what is averaged over (torch's default), or none."""

    def build(self, feature_shape: FeatureShape) -> nn.Module:
        """Make the layer; ``map`` and ``row`` need positions, and every mean two values."""
        if self.over in ("map", "row") and len(feature_shape) == 1:
            rule = f"must be sample or position where features have no positions, as in shape {feature_shape}"
            raise SettingError("over", rule, self.over, "Use over: sample.")
        values = torch.Size(_normalized_shape(feature_shape, self.over)).numel()
        refuse_lone_values(self.name, feature_shape, values)
        return LayerNorm(feature_shape, self.over, self.eps, self.affine)

    def properties(self, feature_shape: FeatureShape, *, batch_size: int, training: bool) -> Properties:
        """Return the properties: samples are independent; a constant per feature is lost with ``over`` map or row."""
        positions = position_axes(feature_shape)
        num_features, size = feature_shape[0], num_positions(feature_shape)
        averaged, num_statistics = {
            "sample": (axes("C", positions), 1),
            "map": (positions, num_features),
            "row": (positions[-1:], num_features * size // feature_shape[-1]),
            "position": ("C", size),
        }[self.over]
        return Properties(
            input_scale=True,
            sample_shift=True,
            feature_shift=self.over in ("map", "row"),
            averaged_axes=averaged,
            num_statistics=batch_size * num_statistics,
        )
