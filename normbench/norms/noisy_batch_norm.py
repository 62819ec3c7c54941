"""Noisy batch norm: shifts and scales outputs at random, as the control arm for internal covariate shift."""

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from normbench.norms._batch_norm import BatchNorm
from normbench.norms.base import FeatureShape, NormSpec, Properties, refuse_lone_batch_values
from normbench.norms.batch_norm import BatchNormSpec
from normbench.parts import About, Given
from normbench.precision import at_least_float32


class NoisyBatchNorm(BatchNorm):
    """Normalize as batch norm; in training, scale and shift each channel of each sample at random.

    The noise has neither mean 0 nor variance 1, and its distribution is another at every step: a step draws for each
    channel c a mean shift mu_c, uniform in (-noise_shift, noise_shift), and a mean factor sigma_c, uniform in
    (1, noise_scale). Around them every sample n has its own shift, uniform in mu_c +- noise_spread, and its own
    factor, normal with mean sigma_c and std noise_spread; all positions of a map share both. So the next layer's
    inputs change their distribution more from step to step than without any norm, and what training still gains over
    that is not owed to steadier distributions. In evaluation there is no noise: the layer is batch norm.

    All numbers are drawn from torch's global generator in float32, four draws a pass: mu, sigma, shifts, factors.
    Parameters and buffers are those of ``batch_norm``. The paper says nothing of evaluation, as it looks at training.

    Shape:
        input: (N, C, *) with C = num_features, up to three position axes.
        output: same shape, dtype and device as the input.

    Args:
        num_features: Channels C of the input.
        noise_shift: Largest mean shift of a channel [the output's units], >= 0.
        noise_scale: Largest mean factor of a channel, >= 1.
        noise_spread: How far samples differ from the mean of their channel, >= 0.
        eps: Added to the variance [input units squared].
        momentum: Share of the new batch in the running statistics, 0 to 1; None averages all batches equally.
        affine: Learn a weight (starts at 1) and a bias (starts at 0) per channel, before the noise.

    Raises:
        ValueError: A training batch has one value per channel, which has no variance.

    References:
        Santurkar, Tsipras, Ilyas and Madry, How Does Batch Normalization Help Optimization?, 2018, section 2.1 and
        appendix A, whose constants are the defaults. https://arxiv.org/abs/1805.11604

    Example:
        >>> NoisyBatchNorm(6)(torch.randn(4, 6, 5, 5)).shape
        torch.Size([4, 6, 5, 5])
    """

    def __init__(
        self,
        num_features: int,
        noise_shift: float = 0.5,
        noise_scale: float = 1.25,
        noise_spread: float = 0.1,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        *,
        affine: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine=affine)
        self.noise_shift, self.noise_scale, self.noise_spread = noise_shift, noise_scale, noise_spread

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's name
        """Normalize; in training, add the noise."""
        output = super().forward(input)
        if not self.training:
            return output
        output = at_least_float32(output)
        scale, shift = self.draw_noise(output)
        return torch.addcmul(shift, output, scale).to(input.dtype)

    def draw_noise(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return a factor and a shift for every map of ``x``, (N, C, 1...)."""
        samples, channels = x.shape[0], x.shape[1]
        mu = self.noise_shift * _between_minus_1_and_1(x, channels)
        sigma = 1 + (self.noise_scale - 1) * (1 + _between_minus_1_and_1(x, channels)) / 2
        shift = mu + self.noise_spread * _between_minus_1_and_1(x, samples, channels)
        scale = sigma + self.noise_spread * torch.randn(samples, channels, device=x.device).to(x.dtype)
        maps = (samples, channels, *(1 for _ in x.shape[2:]))
        return scale.view(maps), shift.view(maps)


def _between_minus_1_and_1(x: Tensor, *shape: int) -> Tensor:
    return 2 * torch.rand(shape, device=x.device).to(x.dtype) - 1


class NoisyBatchNormSpec(NormSpec):
    """Batch norm, its outputs scaled and shifted at random in training (Santurkar et al., 2018): a control arm."""

    about: ClassVar[About] = About(
        formula="((x - mean) / sqrt(var + eps) * weight + bias) * scale + shift",
        paper="Santurkar, Tsipras, Ilyas and Madry, How Does Batch Normalization Help Optimization?, 2018",
        url="https://arxiv.org/abs/1805.11604",
        good_for="The control arm: batch norm without the steady distributions it is said to owe its success to.",
        bad_for="Anything else: the noise is none that regularizes on purpose.",
        disagreements=(
            "The paper speaks of activations; it is silent on maps, whose positions share their noise here.",
        ),
    )
    name: Literal["noisy_batch_norm"] = "noisy_batch_norm"
    noise_shift: float = Field(0.5, ge=0)
    """Largest mean shift of a channel, in output units; >= 0."""
    noise_scale: float = Field(1.25, ge=1)
    """Largest mean factor of a channel; >= 1."""
    noise_spread: float = Field(0.1, ge=0)
    """How far samples differ from the mean shift and factor of their channel; >= 0."""
    eps: float = Field(1e-5, gt=0)
    """Added to the variance, in input units squared; > 0."""
    momentum: float | None = Field(0.1, ge=0, le=1)
    """Share of the new batch in running statistics, 0 to 1 (elsewhere of the old one); null averages all alike."""
    affine: Literal["channel", "none"] = "channel"
    """Learn a weight and a bias per channel, or none."""

    def build(self, feature_shape: FeatureShape) -> nn.Module:
        """Make a layer for C channels and any positions."""
        noise = (self.noise_shift, self.noise_scale, self.noise_spread)
        return NoisyBatchNorm(feature_shape[0], *noise, self.eps, self.momentum, affine=self.affine == "channel")

    def properties(self, feature_shape: FeatureShape, *, batch_size: int, training: bool) -> Properties:
        """Return the properties of batch norm, and random in training."""
        plain = BatchNormSpec().properties(feature_shape, batch_size=batch_size, training=training)
        return replace(plain, random=training and (self.noise_shift, self.noise_scale, self.noise_spread) != (0, 1, 0))

    def formula_values(self, layer: nn.Module, x: Tensor, index: tuple[int, ...]) -> Mapping[str, Tensor | Given]:
        """Return the factor and the shift that are drawn for the sample and channel."""
        assert isinstance(layer, NoisyBatchNorm)
        drawn = zip(("scale", "shift"), layer.draw_noise(x), strict=True)
        return {name: Given(noise[index[:2]].item(), "drawn for this sample and channel") for name, noise in drawn}

    def check_batch(self, feature_shape: FeatureShape, batch_size: int) -> None:
        """Refuse a batch with one value per channel, which has no variance."""
        refuse_lone_batch_values(self.name, feature_shape, batch_size)
