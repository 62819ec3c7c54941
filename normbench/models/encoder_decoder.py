"""Encoder and decoder of style transfer: the style of one image and the content of another meet between them."""

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from normbench.errors import SettingError
from normbench.models.base import Conv2d, Linear, ModelSpec, Network, Shape, build_norm
from normbench.norms.adain import AdaIN
from normbench.norms.base import NormSpec
from normbench.norms.none import NoneSpec
from normbench.parts import MAX_SIZE

EPS = 1e-5
"""Added to variances of the style's features, as AdaIN does: a std of 0 has no gradient."""


class EncoderDecoder(Network):
    """Two convolutions encode content and style image alike, two more decode what becomes of the content's features.

    Between them either AdaIN gives the content's features the means and stds of the style's (Huang and Belongie), or
    the content's features pass a norm, and the same means and stds follow them as further channels, each with one
    value at all positions. So both ways hand on the same of the style image.

    Shape:
        input: (N, 2 C, H, W), the channels of the content image and then those of the style image.
        output: (N, num_outputs), or (N, C', H, W).

    Args:
        in_channels: C, channels of one image.
        width: Channels of the features.
        output_shape: One output's shape.
        norm: The norm of the content's features; None for AdaIN.
        dropout: Probability of zeroing an activation behind ``decoder1``.

    References:
        Huang and Belongie, Arbitrary Style Transfer in Real-time with Adaptive Instance Normalization, 2017.
        https://arxiv.org/abs/1703.06868
    """

    def __init__(
        self, in_channels: int, width: int, output_shape: Shape, norm: nn.Module | None, dropout: float
    ) -> None:
        super().__init__()
        self.is_pooled = len(output_shape) == 1
        self.encoder1 = Conv2d(in_channels, width, 3, padding=1).followed_by()
        self.encoder2 = Conv2d(width, width, 3, padding=1).followed_by()
        self.adain = AdaIN(EPS) if norm is None else None
        if norm is not None:
            self.encoder2.carrying(norm)
        decoded = width if norm is None else 3 * width
        self.decoder1 = Conv2d(decoded, width, 3, padding=1).followed_by(dropout=dropout)
        num_outputs = output_shape[0]
        self.output = Linear(width, num_outputs) if self.is_pooled else Conv2d(width, num_outputs, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, *output_shape)."""
        images = torch.cat(x.chunk(2, 1))  # all content images, then all style images
        content, style = self.encoder2(self.encoder1(images)).chunk(2)
        maps = self.decoder1(self._joined(content, style))
        outputs: Tensor = self.output(maps.mean((2, 3)) if self.is_pooled else maps)
        return outputs

    def _joined(self, content: Tensor, style: Tensor) -> Tensor:
        if self.adain is not None:
            joined: Tensor = self.adain(content, style)
            return joined
        var, mean = torch.var_mean(style, (2, 3), correction=0, keepdim=True)
        told = [moment.expand_as(content) for moment in (mean, (var + EPS).sqrt())]
        return torch.cat([self.encoder2.norm(content), *told], 1)


class EncoderDecoderSpec(ModelSpec):
    """Style transfer: an encoder for two images, a decoder for the first one's content in the second one's style.

    The input's channels are those of the content image and then those of the style image. With ``style: concat`` the
    norm follows ``encoder2``, on the content's features alone; with ``style: adain`` AdaIN stands in its place. Dropout
    follows ``decoder1``.
    """

    name: Literal["encoder_decoder"] = "encoder_decoder"
    width: int = Field(16, ge=1, le=MAX_SIZE)
    """Channels of the features; >= 1."""
    style: Literal["concat", "adain"] = "concat"
    """How the style's means and stds reach the decoder: as channels beside the content's, or given to it by AdaIN."""

    @property
    def num_weight_layers(self) -> int:
        """Two convolutions on each side."""
        return 4

    def build(self, input_shape: Shape, output_shape: Shape, norm: NormSpec, dropout: float) -> nn.Module:
        """Make the network; it needs pairs of images and puts out classes, values, or images of the same size."""
        self._check(input_shape, output_shape, norm)
        in_channels, *sides = input_shape[0] // 2, *input_shape[1:]
        built = None if self.style == "adain" else build_norm(norm, (self.width, *sides), "encoder2")
        return EncoderDecoder(in_channels, self.width, output_shape, built, dropout)

    def _check(self, input_shape: Shape, output_shape: Shape, norm: NormSpec) -> None:
        if len(input_shape) != 3 or input_shape[0] % 2:
            rule = "must get two images, one behind the other: (2 C, H, W)"
            raise SettingError("model.name", rule, input_shape, "Use dataset: style_transfer, or model: resnet.")
        if len(output_shape) not in (1, 3) or output_shape[1:] not in ((), input_shape[1:]):
            rule = f"must put out vectors, or images as large as the {input_shape[1]}x{input_shape[2]} inputs"
            raise SettingError("model.name", rule, output_shape, "Use model: mlp.")
        if self.style == "adain" and not isinstance(norm, NoneSpec):
            rule = f"must be concat with norm: {norm.name}, since AdaIN takes the norm's place"
            raise SettingError("model.style", rule, self.style, "Use norm: none.")
