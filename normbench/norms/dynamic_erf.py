"""Dynamic erf (Derf): bends each value by the error function with a learned slope and shift, without any statistics."""

from collections.abc import Mapping
from math import pi, sqrt
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from normbench.norms._learned_slope import Affine, Curve, LearnedSlope, StackedLearnedSlope, times
from normbench.norms.base import FeatureShape, NormSpec, Properties, ZeroEffect
from normbench.parts import About, Given


class Erf:
    """The error function, from -1 to 1."""

    steepest: ClassVar[float] = 2 / sqrt(pi)

    def value(self, placed: Tensor) -> Tensor:
        """Return erf."""
        return placed.erf_()

    def gradient(self, grad: Tensor, placed: Tensor) -> tuple[Tensor, Tensor]:
        """Return erf, and exp(-placed^2) grad."""
        value = torch.erf(placed)
        return value, times(placed.square().neg_().exp_(), grad)


class DynamicErf(LearnedSlope):
    """Take the error function of each value times a learned number plus another, then scale and shift it.

    erf(alpha x + shift) * weight + bias, where alpha and shift are one number of the layer each. The error function is
    the share of a normal distribution within x sqrt(2) of its mean: as flat as a tanh far out, and sooner. No mean and
    no variance is taken, so each value is on its own, and training and evaluation compute the same.

    Shape:
        input: (N, *feature_shape).
        output: same shape, dtype and device as the input.

    Args:
        feature_shape: One sample's shape, (C,) or (C, *).
        alpha_init: What alpha starts at [1 / input units].
        shift_init: What shift starts at.
        affine: Learn weight and bias per ``channel``, per ``element`` of the sample, or ``none``.

    Raises:
        ValueError: The channels are not C, or the sample has not one weight per element.

    References:
        Chen, Lu, Zhu, Sun and Liu, Stronger Normalization-Free Transformers, 2025. https://arxiv.org/abs/2512.10938

    Example:
        >>> DynamicErf((2,))(torch.tensor([[0.0, 2.0]]))  # erf(0.5 * 2) = 0.8427
        tensor([[0.0000, 0.8427]], grad_fn=<...>)
    """

    stacked_form = StackedLearnedSlope
    curve: ClassVar[Curve] = Erf()
    zero_effects: ClassVar[tuple[ZeroEffect, ...]] = (
        ZeroEffect(
            "a learned slope and shift",
            ("alpha", "shift"),
            "At alpha 0 the output is the same for every input; the smaller alpha is, the less comes through. At "
            "shift 0 the curve is centred, so that what is learned of its place is held back.",
        ),
    )

    def __init__(
        self,
        feature_shape: FeatureShape,
        alpha_init: float = 0.5,
        shift_init: float = 0.0,
        affine: Affine = "channel",
    ) -> None:
        super().__init__(feature_shape, affine, alpha=alpha_init, shift=shift_init)


class DynamicErfSpec(NormSpec):
    """The error function of each value, with learned slope and shift; no statistics (Derf; Chen et al., 2025)."""

    about: ClassVar[About] = About(
        formula="erf(alpha * x + shift) * weight + bias",
        paper="Chen, Lu, Zhu, Sun and Liu, Stronger Normalization-Free Transformers, 2025",
        url="https://arxiv.org/abs/2512.10938",
        good_for="Transformers, in the place of layer or RMS norm, where its paper finds it ahead of dynamic_tanh.",
        bad_for="Holding a signal's scale: what grows from layer to layer is cut off, not scaled back.",
        disagreements=(
            (
                "alpha starts at 0.5 here and in the published code, at 1 in its largest diffusion model and, unless "
                "told otherwise, in its language model; shift starts at 0 in all."
            ),
            (
                "The paper's function is erf(alpha x + s) alone; the published layers scale and shift it per channel, "
                "and those without affine parameters leave both out."
            ),
            "Weight decay spares alpha and shift in the published image models: it acts on no tensor of one axis.",
        ),
    )
    name: Literal["dynamic_erf"] = "dynamic_erf"
    alpha_init: float = Field(0.5, gt=0)
    """What alpha, the learned factor of x, starts at, in 1 / input units; > 0."""
    shift_init: float = 0.0
    """What shift, which is learned and added to alpha x, starts at; any number."""
    affine: Affine = "channel"
    """Learn weight and bias per channel, per element of a sample, or none."""

    def build(self, feature_shape: FeatureShape) -> nn.Module:
        """Make the layer; any shape goes."""
        return DynamicErf(feature_shape, self.alpha_init, self.shift_init, self.affine)

    def properties(self, feature_shape: FeatureShape, *, batch_size: int, training: bool) -> Properties:
        """Return the properties: nothing is averaged, nothing is invariant."""
        return Properties()

    def formula_values(self, layer: nn.Module, x: Tensor, index: tuple[int, ...]) -> Mapping[str, Tensor | Given]:
        """Return alpha and shift."""
        assert isinstance(layer, DynamicErf)
        return layer.learned_places()
