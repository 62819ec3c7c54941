"""AdaIN: gives channels the mean and std of another sample's, inside the batch or from a second input."""

from collections.abc import Mapping
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from normbench.norms._batch_norm import BatchNorm
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
from normbench.norms.batch_norm import BatchNormSpec
from normbench.parts import About, Given
from normbench.precision import at_least_float32


class AdaIN(nn.Module):
    """Give every channel of ``content`` the mean and std of the same channel of ``style``.

    std(style) (content - mean(content)) / std(content) + mean(style), with means and biased variances over the
    positions of each map and eps inside both roots. Nothing is learned, and training and evaluation compute the same.

    ``compat="official"`` takes unbiased variances on both sides, as the widespread PyTorch port does; only eps and
    maps of different size tell the two apart: at 2x2 against 8x8 the std differs by a factor of 1.146. The authors'
    own Lua code has biased variances and no eps in the style's std.

    Shape:
        content: (N, C, *), one to three position axes.
        style: (N, C, *) or (1, C, *), any size of map.
        output: as content, whose dtype it keeps.

    Args:
        eps: Added to both variances [input units squared].
        compat: ``official`` for the PyTorch port's numbers.

    Raises:
        ValueError: The channels differ, or the style has no position, or an unbiased variance of one is asked for.

    References:
        Huang and Belongie, Arbitrary Style Transfer in Real-Time with Adaptive Instance Normalization, 2017.
        https://arxiv.org/abs/1703.06868

    Example:
        >>> AdaIN()(torch.randn(4, 6, 5, 5), torch.randn(4, 6, 8, 8)).shape
        torch.Size([4, 6, 5, 5])
    """

    def __init__(self, eps: float = 1e-5, *, compat: Literal["none", "official"] = "none") -> None:
        super().__init__()
        self.eps, self.correction = eps, int(compat == "official")

    def forward(self, content: Tensor, style: Tensor) -> Tensor:
        """Return the content with the mean and std of the style."""
        _check(content, style, self.correction)
        if not content.numel():
            return content
        centred, _, std = _moments(content, self.eps, self.correction)
        _, style_mean, style_std = _moments(style, self.eps, self.correction)
        return (centred * (style_std / std) + style_mean).view(content.shape).to(content.dtype)


def _moments(x: Tensor, eps: float, correction: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Return x minus its mean (N, C, L), and the mean and std of every map (N, C, 1), in float32 or float64."""
    maps = at_least_float32(x.flatten(2))
    mean = maps.mean(2, keepdim=True)
    centred = maps - mean
    var = sum_of_squares(centred, (2,)) / (maps.shape[2] - correction)
    largest = torch.finfo(var.dtype).max  # beyond it inf / inf would reach the running statistics as nan
    return centred, mean, (var.clamp(max=largest) + eps).sqrt()


def _check(content: Tensor, style: Tensor, correction: int) -> None:
    if content.shape[1:2] != style.shape[1:2] or len(style) not in (1, len(content)):
        rule = f"style: must have {content.shape[1]} channels and 1 or {len(content)} samples"
        raise ValueError(f"{rule}, got shape {tuple(style.shape)}. Take both from the same layer.")
    positions = min(num_positions(x.shape[1:]) if x.dim() > 2 else 0 for x in (content, style))
    if content.numel() and positions <= correction:
        rule = "2 positions or more" if correction else "one position or more"
        way_out = "Use compat: none." if correction and positions else "Give both as (N, C, *)."
        raise ValueError(f"content, style: must have {rule}, got {positions}. {way_out}")


class PermutedAdaIN(BatchNorm):
    """Exchange styles inside the training batch at random, then batch norm.

    In training, with probability ``probability`` a whole batch's channel means and stds are permuted among its
    samples: x -> AdaIN(x, x[permutation]). So the network cannot lean on brightness and contrast. Then comes
    batch norm, with the same parameters and buffers as ``batch_norm``, whose output it is bit for bit in evaluation and
    at probability 0: two such arms differ by the exchange alone. Random numbers come from torch's global generator, one
    for the choice and, if it falls so, one permutation.

    The published code (probability 0.01 by default, for 100 epochs of ImageNet) has unbiased variances, adds eps a
    second time to the content's std, and sends no gradient through the style's moments; here the gradient is exact.

    Shape:
        input: (N, C, *) with C = num_features and one to three position axes.
        output: same shape, dtype and device as the input.

    Args:
        num_features: Channels C of the input.
        eps: Added to all variances [input units squared].
        momentum: Share of the NEW batch in batch norm's running statistics, 0 to 1.
        affine: Learn a weight (starts at 1) and a bias (starts at 0) per channel.
        probability: How often a training batch's styles are exchanged, 0 to 1.

    Raises:
        ValueError: The channels are not C.

    References:
        Nuriel, Benaim and Wolf, Permuted AdaIN: Reducing the Bias Towards Global Statistics in Image
        Classification, 2021. https://arxiv.org/abs/2010.05785

    Example:
        >>> PermutedAdaIN(6)(torch.randn(4, 6, 5, 5)).shape
        torch.Size([4, 6, 5, 5])
    """

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        *,
        affine: bool = True,
        probability: float = 0.5,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine=affine)
        self.probability = probability

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's name
        """Exchange styles with the given probability in training, then normalize."""
        check_channels(input, self.num_features)
        if not self.training or not self._exchanges() or not input.numel():
            return super().forward(input)
        exchanged = exchange_styles(input, torch.randperm(len(input)), self.eps)
        return super().forward(exchanged).to(input.dtype)

    def _exchanges(self) -> bool:
        drawn = torch.rand(())  # also where it decides nothing, so that all probabilities draw alike
        return self.probability == 1 or (self.probability > 0 and drawn.item() < self.probability)


def exchange_styles(x: Tensor, permutation: Tensor, eps: float) -> Tensor:
    """Return x with the channel means and stds of x[permutation], in float32 or float64."""
    centred, mean, std = _moments(x, eps)
    order = permutation.to(x.device)
    return (centred * (std[order] / std) + mean[order]).view(x.shape)


class AdaINSpec(NormSpec):
    """Batch norm on styles exchanged at random inside the training batch: permuted AdaIN (Nuriel et al., 2021).

    Evaluation is batch norm's. The two-input layer of style transfer (Huang and Belongie, 2017) is ``AdaIN``.
    """

    about: ClassVar[About] = About(
        formula=(
            "((x - mean) / sqrt(var + eps) * sqrt(style_var + eps) + style_mean - batch_mean)"
            " / sqrt(batch_var + eps) * weight + bias"
        ),
        paper=(
            "Huang and Belongie, Arbitrary Style Transfer in Real-time with Adaptive Instance "
            "Normalization, 2017; Nuriel, Benaim and Wolf, Permuted AdaIN, 2021"
        ),
        url="https://arxiv.org/abs/1703.06868",
        good_for="Style transfer; in training, making a network look at shapes rather than textures.",
        bad_for="Tasks in which style carries the label.",
        disagreements=(
            ("The PyTorch port divides variances by n - 1, the original by n, with eps on the content only."),
        ),
    )
    name: Literal["adain"] = "adain"
    probability: float = Field(0.5, ge=0, le=1)
    """Probability that a training batch exchanges its styles, 0 to 1."""
    eps: float = Field(1e-5, gt=0)
    """Added to the variance, in input units squared; > 0."""
    momentum: float = Field(0.1, ge=0, le=1)
    """Share of the new batch in running statistics, 0 to 1 (elsewhere of the old one)."""
    affine: Literal["channel", "none"] = "channel"
    """Learn a weight and a bias per channel, or none."""

    def build(self, feature_shape: FeatureShape) -> nn.Module:
        """Make a layer for C channels; a style needs two positions or more."""
        refuse_lone_values(self.name, feature_shape, num_positions(feature_shape))
        affine = self.affine == "channel"
        return PermutedAdaIN(feature_shape[0], self.eps, self.momentum, affine=affine, probability=self.probability)

    def properties(self, feature_shape: FeatureShape, *, batch_size: int, training: bool) -> Properties:
        """Return the properties of batch norm, and random where styles are exchanged."""
        if not training:
            return Properties(same_in_eval=False)
        return Properties(
            input_scale=True,
            feature_shift=True,
            sample_independent=False,
            same_in_eval=False,
            random=self.probability > 0 and batch_size > 1,
            vmap=self.probability in (0, 1),
            averaged_axes=axes("N", position_axes(feature_shape)),
            num_statistics=feature_shape[0],
        )

    def formula_values(self, layer: nn.Module, x: Tensor, index: tuple[int, ...]) -> Mapping[str, Tensor | Given]:
        """Return the map itself, the map whose style it gets, and the channel of the batch after the exchange."""
        sample, channel = index[:2]
        order, exchanged = torch.arange(len(x)), x
        if torch.rand(()).item() < self.probability:
            order = torch.randperm(len(x))
            exchanged = exchange_styles(x, order, self.eps)
        maps = {"": x[sample, channel], "style_": x[order[sample], channel], "batch_": exchanged[:, channel]}
        return {f"{whose}{moment}": values for whose, values in maps.items() for moment in ("mean", "var")}

    def check_batch(self, feature_shape: FeatureShape, batch_size: int) -> None:
        """Refuse a batch that batch norm refuses."""
        BatchNormSpec().check_batch(feature_shape, batch_size)
