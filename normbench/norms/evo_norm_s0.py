"""EvoNorm-S0: gates each value smoothly and divides it by the standard deviation of a group of channels."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from normbench.norms._by_samples import by_samples
from normbench.norms._group_count import CountOrPolicy, GroupsAtMost, refuse_no_divisor
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
    scale_and_shift,
)
from normbench.parts import About, Given
from normbench.precision import at_least_float32

FEWEST_CHANNELS = 4
"""Of a group where channels have one value each: the variance of two or three is often near 0."""


class EvoNormS0(nn.Module):
    """Let each value through a smooth gate, divide it by the standard deviation of its group, scale and shift.

    x * sigmoid(gate * x) / sqrt(var + eps) * weight + bias, with the biased variance of a group of neighbouring
    channels of one sample over all its positions. No mean is taken away from x. x * sigmoid(gate * x) is Swish, so that
    the layer is norm and activation in one: no other activation follows it. The batch plays no part, and training and
    evaluation compute the same.

    Shape:
        input: (N, C, *) with C = num_features.
        output: same shape, dtype and device as the input.

    Args:
        num_groups: Groups of neighbouring channels; must divide ``num_features``.
        num_features: Channels C of the input.
        eps: Added to the variance, inside the root [input units squared].

    Raises:
        ValueError: The channels are not C.

    References:
        Liu, Brock, Simonyan and Le, Evolving Normalization-Activation Layers, 2020. https://arxiv.org/abs/2004.02967

    Example:
        >>> EvoNormS0(2, 6)(torch.randn(4, 6, 5, 5)).shape
        torch.Size([4, 6, 5, 5])
    """

    def __init__(self, num_groups: int, num_features: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.num_groups, self.num_features, self.eps = num_groups, num_features, eps
        self.weight = nn.Parameter(torch.empty(num_features))
        self.bias = nn.Parameter(torch.empty(num_features))
        self.gate = nn.Parameter(torch.empty(num_features))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Start with weight and gate 1, bias 0."""
        nn.init.ones_(self.weight)
        nn.init.zeros_(self.bias)
        nn.init.ones_(self.gate)

    def forward(self, x: Tensor) -> Tensor:
        """Gate, divide by each group's standard deviation, scale and shift."""
        check_channels(x, self.num_features)
        if not x.numel():
            return scale_and_shift(x, self.weight, self.bias)
        parameters = map(at_least_float32, (self.gate, self.weight, self.bias))
        return by_samples(_Gated(self.num_groups, self.eps), at_least_float32(x), *parameters).to(x.dtype)


class _Gated:
    """The layer's output for (N, C, L), and its gradients."""

    def __init__(self, num_groups: int, eps: float) -> None:
        self.num_groups, self.eps = num_groups, eps

    def __call__(self, x: Tensor, gate: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        _, factor = self._statistics(x)
        share = (gate * x).sigmoid_()
        return share.mul_(x).mul_(self._of_channels(factor, x) * weight).add_(bias)

    def _statistics(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the mean and 1 / sqrt(var + eps) of each group, (N, G, 1)."""
        if torch.is_grad_enabled():  # torch does not derive what its kernel gives
            groups = x.reshape(len(x), self.num_groups, -1)
            mean = groups.mean(2, keepdim=True)
            var = sum_of_squares(groups - mean, (2,)) / groups.shape[2]
            return mean, torch.rsqrt(var + self.eps)
        num_samples, num_features, size = x.shape
        _, mean, factor = torch.native_group_norm(
            x, None, None, num_samples, num_features, size, self.num_groups, self.eps
        )
        return mean.unsqueeze(2), factor.unsqueeze(2)

    def _of_channels(self, of_groups: Tensor, x: Tensor) -> Tensor:
        """Return what each group has, (N, G, 1), for each of its channels, (N, C, 1)."""
        return of_groups.expand(-1, -1, x.shape[1] // self.num_groups).reshape(len(x), -1, 1)

    def gradients(self, grad: Tensor, x: Tensor, gate: Tensor, weight: Tensor, bias: Tensor) -> tuple[Tensor, ...]:
        mean, of_group = self._statistics(x)
        factor = self._of_channels(of_group, x)
        scale, share = factor * weight, (gate * x).sigmoid_()
        let_through = grad * share
        by_x = let_through * x
        of_scale = by_x.sum(2, keepdim=True)
        slope = torch.addcmul(by_x, by_x, share, value=-1)  # grad * x * share * (1 - share)
        of_gate = ((slope * x).sum(2, keepdim=True) * scale).sum(0)
        pull = (of_scale * weight).unflatten(1, (self.num_groups, -1)).sum(2) * of_group**3
        pull = self._of_channels(pull / -(x[0].numel() // self.num_groups), x)
        of_x = (slope * (gate * scale)).addcmul_(let_through, scale).addcmul_(x, pull)
        of_x = of_x.sub_(pull * self._of_channels(mean, x))
        return of_x, of_gate, (of_scale * factor).sum(0), grad.sum((0, 2)).unsqueeze(1)


class EvoNormS0Spec(NormSpec):
    """A gate of each value by the std of a group of channels; norm and activation in one (Liu et al., 2020).

    The activation that a model has right behind its norms is left out. Where none stands there, the gate is one
    activation more, and preflight says so. ``num_groups`` is a number or a rule, as for group_norm. The default rule is
    that of the published code: the most groups that divide the channels, up to 32. Without positions, as in dense
    layers, the rule leaves four channels or more to a group, since the variance of fewer values is often near 0. https://arxiv.org/abs/2004.02967
    """

    own_activation: ClassVar[str] = "gate x * sigmoid(gate * x)"
    about: ClassVar[About] = About(
        formula="x * sigmoid(gate * x) / sqrt(var + eps) * weight + bias",
        paper="Liu, Brock, Simonyan and Le, Evolving Normalization-Activation Layers, 2020",
        url="https://arxiv.org/abs/2004.02967",
        good_for="Convolutional networks with small batches: it does not look at the batch.",
        bad_for="Places without an activation, such as before an addition: it puts one there.",
        disagreements=(
            "With 32 groups and other channels the published code takes the next smaller divisor, timm fails.",
            "Where no activation is to follow, the published code leaves out the division too: weight * x + bias.",
            "The published code takes it in residual networks of the pre-activation form alone.",
        ),
    )
    name: Literal["evo_norm_s0"] = "evo_norm_s0"
    num_groups: Annotated[int | GroupsAtMost, CountOrPolicy(is_nullable=False)] = Field(
        GroupsAtMost(at_most=32, min_channels=1), title="a whole number >= 1, or {at_most: 32, min_channels: 1}"
    )
    """Groups of neighbouring channels: a divisor of the channels, or a rule."""
    eps: float = Field(1e-5, gt=0)
    """Added to the variance, in input units squared; > 0."""

    def build(self, feature_shape: FeatureShape) -> nn.Module:
        """Make the layer; the groups must divide the channels, and each hold two values."""
        num_features, num_groups = feature_shape[0], self._num_groups(feature_shape)
        refuse_no_divisor("num_groups", num_groups, num_features)
        refuse_lone_values(self.name, feature_shape, num_features // num_groups * num_positions(feature_shape))
        return EvoNormS0(num_groups, num_features, self.eps)

    def _num_groups(self, feature_shape: FeatureShape) -> int:
        if not isinstance(self.num_groups, GroupsAtMost):
            return self.num_groups
        fewest = min(FEWEST_CHANNELS, feature_shape[0]) if num_positions(feature_shape) == 1 else 1
        least = max(self.num_groups.min_channels, fewest)
        return self.num_groups.model_copy(update={"min_channels": least}).count(feature_shape[0])

    def properties(self, feature_shape: FeatureShape, *, batch_size: int, training: bool) -> Properties:
        """Return the properties: samples are independent; scale and constants stay in the gate."""
        num_groups = self._num_groups(feature_shape)
        channels = {1: "C", feature_shape[0]: ""}.get(num_groups, "C/G")
        return Properties(
            averaged_axes=axes(channels, position_axes(feature_shape)), num_statistics=batch_size * num_groups
        )

    def formula_values(self, layer: nn.Module, x: Tensor, index: tuple[int, ...]) -> Mapping[str, Tensor | Given]:
        """Return the values of the group, and what the gate starts at."""
        assert isinstance(layer, EvoNormS0)
        size = layer.num_features // layer.num_groups
        first = index[1] // size * size
        gate = Given(layer.gate[index[1]].item(), "learned, starts at 1")
        return {"var": x[index[0], first : first + size].reshape(-1), "gate": gate}
