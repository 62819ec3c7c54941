"""Dynamic tanh (DyT): bends each value by a tanh with a learned slope, without any statistics."""

from collections.abc import Mapping
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from normbench.norms._learned_slope import Affine, Curve, LearnedSlope, StackedLearnedSlope
from normbench.norms.base import FeatureShape, NormSpec, Properties, ZeroEffect
from normbench.parts import About, Given


class Tanh:
    """The hyperbolic tangent, from -1 to 1."""

    steepest: ClassVar[float] = 1.0

    def value(self, placed: Tensor) -> Tensor:
        """Return tanh."""
        return placed.tanh_()

    def gradient(self, grad: Tensor, placed: Tensor) -> tuple[Tensor, Tensor]:
        """Return tanh, and (1 - tanh^2) grad."""
        value = placed.tanh_()
        return value, torch.ops.aten.tanh_backward(grad, value)


class DynamicTanh(LearnedSlope):
    """Take the tanh of each value times a learned number, then scale and shift it.

    tanh(alpha x) * weight + bias, where alpha is one number of the layer. What layer norm does to the values of a
    trained transformer looks like a tanh: nearly a straight line in the middle, and large values are cut short. No mean
    and no variance is taken, so each value is on its own, and training and evaluation compute the same.

    Shape:
        input: (N, *feature_shape).
        output: same shape, dtype and device as the input.

    Args:
        feature_shape: One sample's shape, (C,) or (C, *).
        alpha_init: What alpha starts at [1 / input units].
        affine: Learn weight and bias per ``channel``, per ``element`` of the sample, or ``none``.

    Raises:
        ValueError: The channels are not C, or the sample has not one weight per element.

    References:
        Zhu, Chen, He, LeCun and Liu, Transformers without Normalization, 2025. https://arxiv.org/abs/2503.10622

    Example:
        >>> DynamicTanh((2,))(torch.tensor([[0.0, 2.0]]))  # tanh(0.5 * 2) = 0.7616
        tensor([[0.0000, 0.7616]], grad_fn=<...>)
    """

    stacked_form = StackedLearnedSlope
    curve: ClassVar[Curve] = Tanh()
    zero_effects: ClassVar[tuple[ZeroEffect, ...]] = (
        ZeroEffect(
            "a learned slope",
            ("alpha",),
            "At 0 the output is the same for every input; the smaller alpha is, the less comes through.",
        ),
    )

    def __init__(self, feature_shape: FeatureShape, alpha_init: float = 0.5, affine: Affine = "channel") -> None:
        super().__init__(feature_shape, affine, alpha=alpha_init)


class DynamicTanhSpec(NormSpec):
    """The tanh of each value times a learned number; no statistics (DyT; Zhu, Chen, He, LeCun and Liu, 2025)."""

    about: ClassVar[About] = About(
        formula="tanh(alpha * x) * weight + bias",
        paper="Zhu, Chen, He, LeCun and Liu, Transformers without Normalization, 2025",
        url="https://arxiv.org/abs/2503.10622",
        good_for="Transformers, in the place of layer or RMS norm: no value waits for the others.",
        bad_for="Convolutional networks with batch norm: there accuracy falls (ResNet-50 from 76.2 % to 68.9 %).",
        disagreements=(
            (
                "alpha starts at 0.5 here and in the published code; its language models start at 1 unless told "
                "otherwise, and the paper's take 0.8 to 0.05, less the wider, more in attention than elsewhere."
            ),
            "The published code has a bias in its image models and none in its language models.",
            "Weight decay spares alpha in the published image models, and acts on it in the language models.",
            (
                "Those language models multiply the embedding by a learned number that starts at sqrt(width); no model "
                "here does."
            ),
        ),
    )
    name: Literal["dynamic_tanh"] = "dynamic_tanh"
    alpha_init: float = Field(0.5, gt=0)
    """What alpha, the learned factor of x, starts at, in 1 / input units; > 0."""
    affine: Affine = "channel"
    """Learn weight and bias per channel, per element of a sample, or none."""

    def build(self, feature_shape: FeatureShape) -> nn.Module:
        """Make the layer; any shape goes."""
        return DynamicTanh(feature_shape, self.alpha_init, self.affine)

    def properties(self, feature_shape: FeatureShape, *, batch_size: int, training: bool) -> Properties:
        """Return the properties: nothing is averaged, nothing is invariant."""
        return Properties()

    def formula_values(self, layer: nn.Module, x: Tensor, index: tuple[int, ...]) -> Mapping[str, Tensor | Given]:
        """Return alpha."""
        assert isinstance(layer, DynamicTanh)
        return layer.learned_places()
