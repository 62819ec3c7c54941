"""RMS norm: divides all features of one sample or position by their root mean square, without a mean."""

from collections.abc import Sequence
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's idiom

from normbench.norms._stacked import StackedNorm
from normbench.norms._sum_of_squares import sum_of_squares
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
from normbench.parts import About
from normbench.precision import at_least_float32

Over = Literal["sample", "position"]
Affine = Literal["channel", "element", "none"]


class StackedRMSNorm(StackedNorm):
    """The RMS norm of several networks as one: (S, N, C) -> (S, N, C)."""

    def __init__(self, members: Sequence["RMSNorm"]) -> None:
        super().__init__(members)
        self.eps = members[0].eps

    def forward(self, x: Tensor) -> Tensor:
        """Divide each sample by its root mean square, then scale by its member's weight."""
        return self.scaled_and_shifted(F.rms_norm(x, x.shape[-1:], eps=self.eps))


class RMSNorm(nn.Module):
    """Divide each sample, or each position of it, by the root of its mean square.

    x / sqrt(mean(x^2) + eps) * weight: layer norm without the mean. Nothing is subtracted and there is no
    bias, so a constant added to a sample stays visible. ``sample`` averages over (C, *), ``position`` over the
    channels at one position. The batch plays no part, so training and evaluation compute the same. The paper's
    own code adds 1e-8 outside of the root; torch's layer has eps 1.2e-7 unless told otherwise.

    Shape:
        input: (N, *feature_shape).
        output: same shape, dtype and device as the input.

    Args:
        feature_shape: One sample's shape, (C,) or (C, *).
        over: What one mean square is taken over.
        eps: Added to the mean square, inside the root [input units squared].
        affine: Learn a weight (starts at 1) per ``channel``, per ``element`` of what is averaged over, or ``none``.

    Raises:
        ValueError: The channels are not C, or the sample has not one weight per element.

    References:
        Zhang and Sennrich, Root Mean Square Layer Normalization, 2019. https://arxiv.org/abs/1910.07467

    Example:
        >>> RMSNorm((2,), eps=0.0)(torch.tensor([[1.0, 7.0]]))  # the mean of 1 and 49 is 25
        tensor([[0.2000, 1.4000]], grad_fn=<...>)
    """

    stacked_form = StackedRMSNorm
    weight: nn.Parameter | None

    def __init__(
        self, feature_shape: FeatureShape, over: Over = "sample", eps: float = 1e-5, affine: Affine = "channel"
    ) -> None:
        super().__init__()
        self.num_features, self.over, self.eps = feature_shape[0], over, eps
        averaged = feature_shape if over == "sample" else feature_shape[:1]
        shape = {"channel": feature_shape[:1], "element": averaged, "none": None}[affine]
        self.weight = nn.Parameter(torch.empty(shape)) if shape else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Start with weight 1."""
        if self.weight is not None:
            nn.init.ones_(self.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Divide by the root mean square, then scale."""
        check_channels(x, self.num_features)
        weight = None if self.weight is None else at_least_float32(_weight_like(x, self.weight))
        return self._scaled(at_least_float32(x), weight).to(x.dtype)

    def _scaled(self, x: Tensor, weight: Tensor | None) -> Tensor:
        if not x.numel():
            return x if weight is None else x * weight
        if x.dim() == 2:
            return F.rms_norm(x, x.shape[1:], weight, self.eps)
        # torch's function is slower over (C, *) on a CPU, and over C alone it needs the channels last.
        factor = torch.rsqrt(self._mean_square(x) + self.eps)
        return x * (factor if weight is None else factor * weight)

    def _mean_square(self, x: Tensor) -> Tensor:
        if self.over == "position":
            return x.square().mean(1, keepdim=True)
        return sum_of_squares(x, tuple(range(1, x.dim()))) / x.shape[1:].numel()


def _weight_like(x: Tensor, weight: Tensor) -> Tensor:
    """Return the weight with the axes of a sample of x: one per channel, or one per element."""
    if weight.dim() == 1:
        return weight if x.dim() == 2 else weight.view((-1,) + (1,) * (x.dim() - 2))
    if x.shape[1:] != weight.shape:
        rule = f"must have samples of shape {tuple(weight.shape)}, one weight per element"
        raise ValueError(f"input: {rule}, got shape {tuple(x.shape)}. Use affine: channel for other sizes.")
    return weight


class RMSNormSpec(NormSpec):
    """All features of one sample (or position) by their root mean square; no mean (Zhang and Sennrich, 2019)."""

    about: ClassVar[About] = About(
        formula="x / sqrt(mean_square + eps) * weight",
        paper="Zhang and Sennrich, Root Mean Square Layer Normalization, 2019",
        url="https://arxiv.org/abs/1910.07467",
        good_for="Transformers: layer norm without the mean, and a little cheaper.",
        bad_for="Features with a large common offset: it is not removed.",
        disagreements=(
            (
                "eps is 1e-5 here, the smallest step of float32 in torch by default, and outside the "
                "root in the authors' code."
            ),
        ),
    )
    name: Literal["rms_norm"] = "rms_norm"
    over: Over = "sample"
    """What one mean square is taken over: the sample, or the channels at one position."""
    eps: float = Field(1e-5, gt=0)
    """Added to the mean square, in input units squared; > 0."""
    affine: Affine = "channel"
    """Learn weight and bias per channel, per element of what is averaged over (torch's default), or none."""

    def build(self, feature_shape: FeatureShape) -> nn.Module:
        """Make the layer; every mean square must have two values."""
        values = feature_shape[0] * (num_positions(feature_shape) if self.over == "sample" else 1)
        refuse_lone_values(self.name, feature_shape, values)
        return RMSNorm(feature_shape, self.over, self.eps, self.affine)

    def properties(self, feature_shape: FeatureShape, *, batch_size: int, training: bool) -> Properties:
        """Return the properties: each sample's scale is lost, constants stay."""
        positions = position_axes(feature_shape) if self.over == "sample" else ""
        per_sample = 1 if self.over == "sample" else num_positions(feature_shape)
        return Properties(input_scale=True, averaged_axes=axes("C", positions), num_statistics=batch_size * per_sample)
