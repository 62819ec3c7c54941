"""MLP: dense layers of any widths, each with norm, ReLU and dropout."""

from collections.abc import Sequence
from math import prod
from typing import Literal

from pydantic import Field
from torch import Tensor, nn

from normbench.models.base import Linear, ModelSpec, Network, NormPosition, Shape, build_norm, flatten_input
from normbench.norms.base import NormSpec
from normbench.parts import MAX_DEPTH, MAX_SIZE, Widths
from normbench.stacking import Stacked


class StackedMLP(Stacked):
    """Dense networks as one: (S, N, *) -> (S, N, *output_shape)."""

    def __init__(self, members: Sequence["MLP"]) -> None:
        super().__init__(members)
        self.output_shape = members[0].output_shape

    def forward(self, x: Tensor) -> Tensor:
        """Pass each member's samples through its layers."""
        x = x.flatten(2)
        for layer in self.children():
            x = layer(x)
        return x if len(self.output_shape) == 1 else x.unflatten(2, self.output_shape)


class MLP(Network, nn.Sequential):
    """Pass (N, *) through ``hidden1 .. hiddenN`` and ``output``, in the order they were added."""

    stacked_form = StackedMLP

    def __init__(self, output_shape: Shape) -> None:
        super().__init__()
        self.output_shape = output_shape

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, *output_shape)."""
        x = super().forward(flatten_input(x))  # type: ignore[no-untyped-call]
        return x if len(self.output_shape) == 1 else x.unflatten(1, self.output_shape)


class MLPSpec(ModelSpec):
    """Dense network: ``hidden_features`` lists the widths, or ``width`` and ``depth`` give equal ones."""

    name: Literal["mlp"] = "mlp"
    hidden_features: Widths = (200, 200, 200)
    """Width of each hidden layer, in units."""
    width: int | None = Field(None, ge=1, le=MAX_SIZE)
    """Units of every hidden layer, instead of hidden_features; >= 1."""
    depth: int | None = Field(None, ge=1, le=MAX_DEPTH)
    """Hidden layers, instead of as many as hidden_features lists; >= 1."""
    bias: bool = True
    """Whether dense layers learn a bias."""
    norm_position: NormPosition = "before_activation"
    """Where the norm stands in each hidden layer: before or after the activation."""

    def widths(self) -> tuple[int, ...]:
        """Return the width of each hidden layer."""
        if self.width is None and self.depth is None:
            return self.hidden_features
        return (self.width or self.hidden_features[0],) * (self.depth or len(self.hidden_features))

    @property
    def num_weight_layers(self) -> int:
        """The hidden layers and the output."""
        return len(self.widths()) + 1

    def build(self, input_shape: Shape, output_shape: Shape, norm: NormSpec, dropout: float) -> nn.Module:
        """Make the network; images are flattened on the way in and put together on the way out."""
        model = MLP(output_shape)
        in_features = prod(input_shape)
        for i, width in enumerate(self.widths(), start=1):
            layer = Linear(in_features, width, bias=self.bias)
            built = build_norm(norm, (width,), f"hidden{i}")
            model.add_module(f"hidden{i}", layer.followed_by(built, position=self.norm_position, dropout=dropout))
            in_features = width
        model.add_module("output", Linear(in_features, prod(output_shape), bias=self.bias))
        return model
