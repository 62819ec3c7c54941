"""ModelSpec: build(input_shape, output_shape, norm, dropout) -> network of named layers."""

from abc import abstractmethod
from typing import Literal, Self

import torch
from torch import Tensor, nn

from normbench.errors import SettingError
from normbench.norms.base import FeatureShape, NormSpec
from normbench.parts import Spec

Shape = tuple[int, ...]
NormPosition = Literal["before_activation", "after_activation"]


class Layer(nn.Module):
    """A weighted layer and what follows it: norm, ReLU, pooling, dropout.

    A mixin before ``nn.Linear`` or ``nn.Conv2d``. The weights keep their plain names (``conv1.weight``), the
    norm is ``conv1.norm``, and what the layer hands on is the output that reports speak of.
    """

    stages: tuple[str, ...] = ()

    def followed_by(
        self,
        norm: nn.Module | None = None,
        *,
        position: NormPosition = "before_activation",
        max_pool: int = 1,
        dropout: float = 0.0,
    ) -> Self:
        """Add what follows. A layer on which this is not called hands on its bare output."""
        self.norm = norm or nn.Identity()
        self.pool = nn.MaxPool2d(max_pool) if max_pool > 1 else nn.Identity()
        self.dropout = nn.Dropout(dropout) if dropout else nn.Identity()
        normed = ("norm", "activation") if position == "before_activation" else ("activation", "norm")
        self.activation = nn.ReLU()
        # Small networks pay for every module they call, so those that do nothing are left out.
        self.stages = tuple(
            name for name in (*normed, "pool", "dropout") if not isinstance(getattr(self, name), nn.Identity)
        )
        return self

    def forward(self, x: Tensor) -> Tensor:
        """Apply the weights, then norm and ReLU in the chosen order, pooling, dropout."""
        x = super().forward(x)
        for stage in self.stages:
            x = self._modules[stage](x)  # type: ignore[misc]
        return x


class Linear(Layer, nn.Linear):
    """Dense layer (N, in_features) -> (N, out_features), with what follows it."""


class Conv2d(Layer, nn.Conv2d):
    """Convolution (N, C_in, H, W) -> (N, C_out, H', W'), with what follows it."""


class ModelSpec(Spec):
    """What YAML says about a network."""

    @abstractmethod
    def build(self, input_shape: Shape, output_shape: Shape, norm: NormSpec, dropout: float) -> nn.Module:
        """Make the network with torch's default initial weights.

        Args:
            input_shape: One sample's shape.
            output_shape: One output's shape: (classes,), (values,) or (C, H, W).
            norm: The norm wherever the network has one.
            dropout: Probability of zeroing a hidden activation.

        Raises:
            SettingError: The inputs or the norm do not fit.
        """


def build_norm(norm: NormSpec, feature_shape: FeatureShape, layer: str) -> nn.Module:
    """Make the norm that follows ``layer``; a refusal names the layer.

    Raises:
        SettingError: The norm refuses this shape.
    """
    try:
        built = norm.build(feature_shape)
    except SettingError as error:
        raise error.within("norm", f" of layer {layer}") from None
    built.feature_shape = feature_shape  # type: ignore[assignment]
    return built


def weighted_layers(model: nn.Module) -> dict[str, Layer]:
    """Return the layers with weights by name, from input to output."""
    return {name: module for name, module in model.named_modules() if isinstance(module, Layer)}


def flatten_input(x: Tensor) -> Tensor:
    """(N, *) -> (N, features)."""
    return torch.flatten(x, 1)


def vector_size(output_shape: Shape, model: str) -> int:
    """Return how many values a network that puts out one vector must have.

    Raises:
        SettingError: An image is asked for.
    """
    if len(output_shape) != 1:
        raise SettingError("model.name", f"must put out images of shape {output_shape}", model, "Use model: resnet.")
    return output_shape[0]
