"""ModelSpec: the base class of models, whose ``build`` makes a network of named layers; and those layers."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal, Self

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized

from normbench.any_module.model_input import COMPILED
from normbench.errors import SettingError
from normbench.models._max_pool import MaxPool2d
from normbench.models._stacked_linear import StackedLinear
from normbench.norms.base import FeatureShape, NormSpec
from normbench.parts import Spec
from normbench.weight_parametrizations.base import WeightParametrizationSpec

Shape = tuple[int, ...]
NormPosition = Literal["before_activation", "after_activation"]


class Layer(nn.Module):
    """A layer with weights, followed by norm, ReLU, pooling and dropout where it has them.

    A mixin before ``nn.Linear`` or ``nn.Conv2d``. The weights keep their plain names (``conv1.weight``), the
    norm is ``conv1.norm``, and the output after all stages is the layer's output in reports.

    Attributes:
        stages: Names of the modules after the weights, in order.
        is_hidden: Whether anything follows the weights, here or in the network: true for all layers but outputs.
        norm_is_activation: Whether the norm stands for the activation too, which is left out behind it.
    """

    stages: tuple[str, ...] = ()
    is_hidden = False
    norm_is_activation = False

    def followed_by(
        self,
        norm: nn.Module | None = None,
        *,
        position: NormPosition = "before_activation",
        activation: bool = True,
        response_norm: nn.Module | None = None,
        max_pool: int = 1,
        dropout: float = 0.0,
    ) -> Self:
        """Add the stages after the weights; without this call the layer has none, as an output layer.

        The activation right behind a norm that ends with one of its own is left out.
        """
        self.is_hidden = True
        self.norm = norm or nn.Identity()
        self.response_norm = response_norm or nn.Identity()
        self.pool = MaxPool2d(max_pool) if max_pool > 1 else nn.Identity()
        self.dropout = nn.Dropout(dropout) if dropout else nn.Identity()
        normed = ("norm", "activation") if position == "before_activation" else ("activation", "norm")
        self.norm_is_activation = activation and normed[0] == "norm" and bool(own_activation(self.norm))
        self.activation = nn.ReLU() if activation and not self.norm_is_activation else nn.Identity()
        # Small networks pay for every module they call, so those that do nothing are left out.
        self.stages = tuple(
            name
            for name in (*normed, "response_norm", "pool", "dropout")
            if not isinstance(getattr(self, name), nn.Identity)
        )
        return self

    def carrying(self, norm: nn.Module) -> Self:
        """Attach a norm that the network applies itself, before the layer or after an addition."""
        self.norm = norm
        return self

    def ending_with(self, **stages: nn.Module) -> Self:
        """Add stages of these names after all others."""
        for name, module in stages.items():
            self.add_module(name, module)
        self.stages = (*self.stages, *stages)
        return self

    def forward(self, x: Tensor) -> Tensor:
        """Apply the weights, then norm and ReLU in the chosen order, response norm, pooling, dropout."""
        x = super().forward(x)
        for stage in self.stages:
            x = self._modules[stage](x)  # type: ignore[misc]
        return x


class Linear(Layer, nn.Linear):
    """Dense layer with its stages: (N, in_features) -> (N, out_features)."""

    stacked_form = StackedLinear


class Conv2d(Layer, nn.Conv2d):
    """Convolution with its stages: (N, C_in, H, W) -> (N, C_out, H', W')."""

    def forward(self, x: Tensor) -> Tensor:
        """Apply the weights and the stages."""
        # On maps that lie channels-last in memory, the backward pass of a strided 1x1 convolution on a CPU (oneDNN,
        # torch 2.13) can write past its memory and end the process.
        return super().forward(x.contiguous())


class Network(nn.Module):
    """Base of networks whose samples meet in norms alone: whatever else it computes of a sample is of that sample.

    Norms get the samples in their order. So several training batches may pass at once where the norms can tell them
    apart, which ``forward_batches`` of a norm's layer does.
    """

    def rows_per_sample(self, x: Tensor) -> Tensor:
        """Return how many rows of the norms' inputs each sample of ``x`` has, (N,); here one."""
        return torch.ones(len(x), dtype=torch.long)


class ModelSpec(Spec):
    """The settings of a network in YAML."""

    takes_sequences: ClassVar[bool] = False
    """Whether inputs are sequences of any length with a mask as their last feature."""

    @property
    def num_weight_layers(self) -> int:
        """About how many layers with weights the network has, as the settings tell before it is built."""
        return 8

    @abstractmethod
    def build(self, input_shape: Shape, output_shape: Shape, norm: NormSpec, dropout: float) -> nn.Module:
        """Make the network with torch's default initial weights.

        Args:
            input_shape: One sample's shape.
            output_shape: One output's shape: (classes,), (values,) or (C, H, W).
            norm: The norm wherever the network has one.
            dropout: Probability of zeroing a hidden activation, by ``nn.Dropout``, which a run gives its own stream.

        Raises:
            SettingError: The inputs or the norm do not fit the network.
        """


@dataclass(frozen=True)
class BuiltNorm:
    """The spec and shape that a norm in a network was built from, to check batch sizes before training.

    Attributes:
        spec: The norm's spec.
        feature_shape: Shape of one sample, or of one step.
        per_step: Whether its input has rows per real step of each sequence, instead of one per sample.
        num_heads: Rows of a sample or step: one for each head of attention, else one.
        setting: The setting that names it.
    """

    spec: NormSpec
    feature_shape: FeatureShape
    per_step: bool = False
    num_heads: int = 1
    setting: str = "norm"


def build_norm(
    norm: NormSpec,
    feature_shape: FeatureShape,
    layer: str,
    *,
    per_step: bool = False,
    num_heads: int = 1,
    setting: str = "norm",
) -> nn.Module:
    """Make the norm of ``layer``; an error names the layer and the setting.

    Raises:
        SettingError: The norm refuses this shape.
    """
    try:
        built = norm.build(feature_shape)
    except SettingError as error:
        raise error.within(setting, layer) from None
    built.feature_shape = feature_shape  # type: ignore[assignment]
    built.built_from = BuiltNorm(norm, feature_shape, per_step, num_heads, setting)  # type: ignore[assignment]
    return built


def own_activation(norm: nn.Module) -> str:
    """Return the activation with which a norm ends, in words; "" for none."""
    built_from = getattr(norm, "built_from", None)
    return built_from.spec.own_activation if isinstance(built_from, BuiltNorm) else ""


def built_norms(model: nn.Module) -> dict[str, BuiltNorm]:
    """Return the spec and shape of each norm in a network, by the norm's name."""
    found = {name: getattr(module, "built_from", None) for name, module in model.named_modules()}
    return {name: built_from for name, built_from in found.items() if isinstance(built_from, BuiltNorm)}


def weighted_layers(model: nn.Module) -> dict[str, Layer]:
    """Return the layers with weights by name, from input to output."""
    return {name: module for name, module in model.named_modules() if isinstance(module, Layer)}


def parametrize_weights(model: nn.Module, parametrization: WeightParametrizationSpec) -> None:
    """Put a weight parametrization on the weight of every hidden layer; an error names the layer.

    Raises:
        SettingError: The parametrization refuses a layer's weight.
    """
    for name, layer in weighted_layers(model).items():
        if layer.is_hidden:
            try:
                parametrization.build(layer)
            except SettingError as error:
                raise error.within("weight_parametrization", name) from None


def weight_parameters(layer: nn.Module) -> list[nn.Parameter]:
    """Return the learned tensors of a layer's weight: itself, or those from which its parametrization computes it."""
    if is_parametrized(layer, "weight"):
        return list(layer.get_submodule("parametrizations.weight").parameters())
    return [layer.get_parameter("weight")]


def learned_parameters(model: nn.Module) -> dict[str, nn.Parameter]:
    """Return all parameters by their names without a weight parametrization; its second tensor is ``conv1.g``."""
    return {_plain_name(name.replace(f"{COMPILED}.", "")): parameter for name, parameter in model.named_parameters()}


def _plain_name(parameter: str) -> str:
    """Shorten conv1.parametrizations.weight.original (or original0) to conv1.weight, and original1 to conv1.g."""
    layer, _, learned = parameter.partition("parametrizations.weight.")
    return layer + {"original": "weight", "original0": "weight", "original1": "g"}.get(learned, learned)


def flatten_input(x: Tensor) -> Tensor:
    """Flatten (N, *) to (N, features)."""
    return torch.flatten(x, 1)


def vector_size(output_shape: Shape, model: str) -> int:
    """Return the number of output values of a network that puts out one vector per sample.

    Raises:
        SettingError: The dataset's targets are images.
    """
    if len(output_shape) != 1:
        raise SettingError("model.name", f"must put out images of shape {output_shape}", model, "Use model: resnet.")
    return output_shape[0]


def sequence_features(input_shape: Shape, model: str) -> int:
    """Return the number of features of a step, without the mask.

    Raises:
        SettingError: The inputs are not sequences (T, F + 1).
    """
    if len(input_shape) != 2 or input_shape[1] < 2:
        rule = "must get sequences (T, F + 1), the last feature a mask"
        raise SettingError("model.name", rule, input_shape, f"Use dataset: sequences with {model}, or model: mlp.")
    return input_shape[1] - 1


def strip_mask(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return features and mask of padded sequences, cut off after the longest one's last real step.

    Shape:
        x: (N, T, F + 1); the last feature is 1 at real steps, which come first, and 0 at padding.
        output: (N, L, F), and (N, L) which is True at real steps, with L the most real steps of any sample.
    """
    mask = x[..., -1] > 0.5
    longest = int(mask.sum(1).max())
    return x[:, :longest, :-1], mask[:, :longest]


def zeroed_padding(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return features and mask of the padded sequences of several networks, with 0 in padding and all their steps.

    How many steps are computed depends on no batch, since the bits of a sum depend on the number of its terms.

    Shape:
        x: (S, N, T, F + 1), as ``strip_mask`` takes it of each member.
        output: (S, N, T, F), and (S, N, T) which is True at real steps.
    """
    mask = x[..., -1] > 0.5
    return x[..., :-1].masked_fill(~mask.unsqueeze(-1), 0), mask


def pad(steps: Tensor, mask: Tensor) -> Tensor:
    """Put real steps (M, C), one sample after the other, back to their places in (N, L, C); padding is 0."""
    return steps.new_zeros(*mask.shape, steps.shape[-1]).index_put((mask,), steps)
