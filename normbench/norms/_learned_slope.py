"""LearnedSlope: the base class of layers that bend each value by an S-shaped curve with a learned slope."""

from collections.abc import Sequence
from typing import ClassVar, Literal, Protocol

import torch
from torch import Tensor, nn

from normbench.norms._by_samples import by_samples
from normbench.norms._stacked import StackedNorm
from normbench.norms.base import FeatureShape, ZeroEffect, check_channels
from normbench.parts import Given
from normbench.precision import at_least_float32

Affine = Literal["channel", "element", "none"]


class StackedLearnedSlope(StackedNorm):
    """The curves of several networks as one: (S, N, C) -> (S, N, C)."""

    def __init__(self, members: Sequence["LearnedSlope"]) -> None:
        super().__init__(members)
        self.curve, self.places = members[0].curve, tuple(members[0].starts)

    def forward(self, x: Tensor) -> Tensor:
        """Bend each value by its member's curve, then scale and shift."""
        places = [getattr(self, name) for name in self.places]
        return self.scaled_and_shifted(self.curve.value(placed(x, *places)))


class Curve(Protocol):
    """Describes a function of one number and its derivative, both in operations that torch can derive."""

    steepest: ClassVar[float]
    """The derivative at 0."""

    def value(self, placed: Tensor) -> Tensor:
        """Return the function; ``placed`` may be written over."""

    def gradient(self, grad: Tensor, placed: Tensor) -> tuple[Tensor, Tensor]:
        """Return the function, and ``grad`` times its derivative over that at 0; ``placed`` may be written over."""


class LearnedSlope(nn.Module):
    """Put each value on a curve, at alpha x or at alpha x + shift, then scale and shift it.

    alpha and shift are one number of the layer each. No statistics are taken. A layer names ``StackedLearnedSlope`` as
    its stacked form.

    Args:
        feature_shape: One sample's shape, (C,) or (C, *).
        affine: Learn weight and bias per ``channel``, per ``element`` of the sample, or ``none``.
        starts: What alpha, and shift where there is one, start at.

    Raises:
        ValueError: The channels are not C, or the sample has not one weight per element.
    """

    curve: ClassVar[Curve]
    zero_effects: ClassVar[tuple[ZeroEffect, ...]]
    weight: nn.Parameter | None
    bias: nn.Parameter | None

    def __init__(self, feature_shape: FeatureShape, affine: Affine, **starts: float) -> None:
        super().__init__()
        self.num_features, self.affine, self.starts = feature_shape[0], affine, starts
        for name in starts:
            self.register_parameter(name, nn.Parameter(torch.empty(1)))
        shape = {"channel": feature_shape[:1], "element": feature_shape, "none": None}[affine]
        self.weight = nn.Parameter(torch.empty(shape)) if shape else None
        self.bias = nn.Parameter(torch.empty(shape)) if shape else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set alpha and shift to their starts, weight to 1 and bias to 0."""
        for name, start in self.starts.items():
            nn.init.constant_(self.get_parameter(name), start)
        if self.weight is not None and self.bias is not None:
            nn.init.ones_(self.weight)
            nn.init.zeros_(self.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Bend each value, then scale and shift."""
        check_channels(x, self.num_features)
        places = [at_least_float32(getattr(self, name)) for name in self.starts]
        if self.weight is None or self.bias is None:
            return self._bent(x, *places).to(x.dtype)
        weight, bias = at_least_float32(self.weight), at_least_float32(self.bias)
        if self.affine == "channel" and x.numel():
            return self._bent(x, *places, weight, bias).to(x.dtype)
        return (self._bent(x, *places) * _like(x, weight) + _like(x, bias)).to(x.dtype)

    def _bent(self, x: Tensor, *parameters: Tensor) -> Tensor:
        if not x.numel():
            return self.curve.value(placed(at_least_float32(x), *parameters))
        return by_samples(_Bend(self.curve, len(self.starts)), at_least_float32(x), *parameters)

    def learned_places(self) -> dict[str, Given]:
        """Return alpha, and shift where there is one, each with what it started at."""
        return {
            name: Given(self.get_parameter(name).item(), f"learned, starts at {start:g}")
            for name, start in self.starts.items()
        }


def placed(x: Tensor, alpha: Tensor, *shift: Tensor) -> Tensor:
    """Return where on the curve each value lies: alpha x, or alpha x + shift; a new tensor."""
    return plus(alpha * x, shift[0]) if shift else alpha * x


def times(values: Tensor, factor: Tensor) -> Tensor:
    """Return values * factor; ``values``, which nobody else reads, may be written over."""
    return values.mul_(factor) if _may_write() else values * factor


def plus(values: Tensor, summand: Tensor) -> Tensor:
    """Return values + summand; ``values``, which nobody else reads, may be written over."""
    return values.add_(summand) if _may_write() else values + summand


def _may_write() -> bool:
    """Return whether no derivative needs what would be written over, and no vmap a tensor with an axis more."""
    return not (torch.is_grad_enabled() or torch._C._are_functorch_transforms_active())  # noqa: SLF001


def _like(x: Tensor, parameter: Tensor) -> Tensor:
    """Return a parameter with the axes of a sample of x: one value per channel, or one per element."""
    if parameter.dim() == 1:
        return parameter.view((-1,) + (1,) * (x.dim() - 2))
    if x.shape[1:] != parameter.shape:
        rule = f"must have samples of shape {tuple(parameter.shape)}, one weight per element"
        raise ValueError(f"input: {rule}, got shape {tuple(x.shape)}. Use affine: channel for other sizes.")
    return parameter


class _Bend:
    """The layer's output for (N, C, L), with or without a weight and a bias for each channel, and its gradients."""

    def __init__(self, curve: Curve, num_places: int) -> None:
        self.curve, self.num_places = curve, num_places

    def __call__(self, x: Tensor, *parameters: Tensor) -> Tensor:
        places, affine = self._split(parameters)
        value = self.curve.value(placed(x, *places))
        return plus(times(value, affine[0]), affine[1]) if affine else value

    def _split(self, parameters: tuple[Tensor, ...]) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        return parameters[: self.num_places], parameters[self.num_places :]

    def gradients(self, grad: Tensor, x: Tensor, *parameters: Tensor) -> tuple[Tensor, ...]:
        places, affine = self._split(parameters)
        value, slope = self.curve.gradient(grad, placed(x, *places))
        factor = self.curve.steepest * affine[0] if affine else torch.full_like(places[0], self.curve.steepest)
        of_channels = [_sum(slope * x), *([_sum(slope)] if len(places) > 1 else [])]
        of_places = [(factor * of_channel).sum(0, keepdim=True) for of_channel in of_channels]
        of_affine = (_sum(times(value, grad)), _sum(grad)) if affine else ()
        return times(slope, places[0] * factor), *of_places, *of_affine


def _sum(values: Tensor) -> Tensor:
    """Return the sum of each channel of (N, C, L): (C, 1)."""
    return values.sum((0, 2)).unsqueeze(1)
