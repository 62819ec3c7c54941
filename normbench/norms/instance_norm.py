"""Instance norm: normalizes each channel of each sample over its positions."""

from collections.abc import Sequence
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's idiom
from torch.nn.modules.instancenorm import _InstanceNorm

from normbench.norms.base import (
    FeatureShape,
    NormSpec,
    Properties,
    check_channels,
    group_norm,
    keep_finite,
    num_positions,
    position_axes,
    refuse_lone_values,
)
from normbench.parts import About
from normbench.precision import at_least_float32


class InstanceNorm(_InstanceNorm):
    """Give each channel of each sample zero mean and unit variance over its positions.

    The contrast and brightness of every single map are removed; neither the batch nor the other
    channels play a part, and training and evaluation compute the same. torch's own layer for any
    number of position axes, with weight and bias on by default (torch leaves them out).

    With ``track_running_stats`` the maps' means and unbiased variances, averaged over the batch, are
    remembered and normalize in evaluation: then the maps keep their differences, and training and
    evaluation are two different functions. torch's kernel squares in float32: above about 1e18 the output is not
    finite.

    Shape:
        input: (N, C, *) with C = num_features and one to three position axes.
        output: same shape, dtype and device as the input.

    Args:
        num_features: Channels C of the input.
        eps: Added to the variance [input units squared].
        momentum: Share of the new batch in the running statistics, 0 to 1; unused without them.
        affine: Learn a weight (starts at 1) and a bias (starts at 0) per channel.
        track_running_stats: Normalize with running statistics in evaluation.

    Raises:
        ValueError: A map of one position, which has no variance, or the channels are not C.

    References:
        Ulyanov, Vedaldi and Lempitsky, Instance Normalization, 2016. https://arxiv.org/abs/1607.08022

    Example:
        >>> InstanceNorm(6, affine=True)(torch.randn(4, 6, 5, 5)).shape
        torch.Size([4, 6, 5, 5])
    """

    momentum: float

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's name
        """Normalize every map by its own mean and variance, or in evaluation by those that were tracked."""
        mean, var = self.running_mean, self.running_var
        if mean is not None and var is not None and not self.training:
            check_channels(input, self.num_features)
            return self._by_running_statistics(input, mean, var)
        return self.forward_batches(input, [len(input)])

    def forward_batches(self, x: Tensor, sizes: Sequence[int]) -> Tensor:
        """Normalize every map of several training batches, and remember the average of what each batch would leave."""
        check_channels(x, self.num_features)
        if x.shape[2:].numel() == 1:
            rule = f"must have maps of 2 positions or more, got {tuple(x.shape)}"
            raise ValueError(f"input: {rule}. Use batch_norm or layer_norm.")
        # Group norm of one channel per group is the same, and torch's kernel for it takes half the time.
        output = group_norm(x, self.num_features, self.weight, self.bias, self.eps)
        if self.running_mean is not None and self.running_var is not None and x.numel():
            self._remember(x.detach(), sizes, self.running_mean, self.running_var)
        return output

    def _by_running_statistics(self, x: Tensor, mean: Tensor, var: Tensor) -> Tensor:
        x_, mean, var, weight, bias = map(at_least_float32, (x, mean, var, self.weight, self.bias))
        return F.batch_norm(x_, mean, var, weight, bias, False, 0.0, self.eps).to(x.dtype)

    def _remember(self, x: Tensor, sizes: Sequence[int], mean: Tensor, var: Tensor) -> None:
        map_vars, map_means = torch.var_mean(x.flatten(2).to(at_least_float32(mean).dtype), 2, correction=1)
        for running, maps in ((mean, map_means), (var, map_vars)):
            new = torch.stack([batch.mean(0) for batch in maps.split(list(sizes))]).mean(0)
            keep_finite(new)
            running.mul_(1 - self.momentum).add_(new, alpha=self.momentum)
            keep_finite(running)


class InstanceNormSpec(NormSpec):
    """Each channel of each sample over its own positions (Ulyanov, Vedaldi and Lempitsky, 2016)."""

    about: ClassVar[About] = About(
        formula="(x - mean) / sqrt(var + eps) * weight + bias",
        paper="Ulyanov, Vedaldi and Lempitsky, Instance Normalization, 2016",
        url="https://arxiv.org/abs/1607.08022",
        good_for=("Image to image and style transfer: every image's own contrast and colour are removed."),
        bad_for=("Tasks in which contrast or brightness carries the label, and features without positions."),
        disagreements=(
            ("torch leaves weight and bias out by default; here they are on, so that arms have the same freedom."),
            ("torch's InstanceNorm1d takes (N, C) for one unbatched sample (C, L); here (C,) is refused."),
        ),
        documents=(
            "The printed output of the 2d example is lost; on constant maps it must be 0.",
            (
                "A hand-written layer divides by n - 1: the printed sum of differences, 221.67, is sqrt(3) / 4 for "
                "each of 16 * 32 statistics: 221.72."
            ),
        ),
    )
    name: Literal["instance_norm"] = "instance_norm"
    eps: float = Field(1e-5, gt=0)
    """Added to the variance, in input units squared; > 0."""
    momentum: float = Field(0.1, ge=0, le=1)
    """Share of the new batch in running statistics, 0 to 1 (elsewhere of the old one)."""
    affine: Literal["channel", "none"] = "channel"
    """Learn a weight and a bias per channel, or none."""
    track_running_stats: bool = False
    """Keep running statistics and use them in evaluation; false computes the same in both modes."""

    def build(self, feature_shape: FeatureShape) -> nn.Module:
        """Make the layer; it needs two positions or more."""
        refuse_lone_values(self.name, feature_shape, num_positions(feature_shape))
        affine = self.affine == "channel"
        return InstanceNorm(feature_shape[0], self.eps, self.momentum, affine, self.track_running_stats)

    def properties(self, feature_shape: FeatureShape, *, batch_size: int, training: bool) -> Properties:
        """Return the properties: scale and shift of every map are lost, except with running statistics."""
        if self.track_running_stats and not training:
            return Properties(same_in_eval=False)
        return Properties(
            input_scale=True,
            sample_shift=True,
            feature_shift=True,
            same_in_eval=not self.track_running_stats,
            averaged_axes=position_axes(feature_shape),
            num_statistics=batch_size * feature_shape[0],
        )
