"""Sees how a batch meets the layers with weights of a network: which are called, and which put out its output."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn
from torch.autograd.graph import Node
from torch.nn.modules.conv import _ConvNd
from torch.nn.utils.parametrize import is_parametrized

from normbench.any_module.model_input import ModelInput
from normbench.any_module.plain_execution import executing_plainly
from normbench.norm_swap.kinds import kind_by_class
from normbench.norm_swap.output_layers import output_layers
from normbench.norm_swap.passes import forward, undisturbed
from normbench.norm_swap.recorder import Frame, Recorder


@dataclass(frozen=True)
class LayerCalls:
    """What a batch shows of the layers with weights of a network.

    Attributes:
        outputs: What each that is called has put out, the first time.
        of_output: Those from which the network's output comes without another one.
    """

    outputs: dict[nn.Module, Any] = field(default_factory=dict)
    of_output: set[nn.Module] = field(default_factory=set)


def layers_with_weights(network: nn.Module) -> dict[nn.Module, tuple[str, ...]]:
    """Return the modules that hold a weight of two or more dimensions and are no norms, with all their names."""
    names: dict[nn.Module, tuple[str, ...]] = {}
    for name, module in network.named_modules(remove_duplicate=False):
        if _has_weights(module) and "parametrizations" not in name.split("."):
            names[module] = (*names.get(module, ()), name)
    return names


def _has_weights(module: nn.Module) -> bool:
    weights = any(parameter.dim() > 1 for parameter in module.parameters(recurse=False))
    return not kind_by_class(module) and (weights or is_parametrized(module))


def layer_calls(network: nn.Module, given: ModelInput, layers: Collection[nn.Module]) -> LayerCalls:
    """Send a batch through a network, in training and in evaluation; it is afterwards as it was.

    Raises:
        SettingError: The network does not take the batch.
    """
    seen = LayerCalls()
    made_by: dict[Node, nn.Module] = {}

    def see(frame: Frame) -> None:
        seen.outputs.setdefault(frame.module, frame.output)
        if isinstance(frame.output, Tensor) and frame.output.grad_fn is not None:
            made_by[frame.output.grad_fn] = frame.module

    with undisturbed(network), executing_plainly(network), Recorder(set(layers).__contains__, see) as recorder:
        output = forward(network, given.changed(_with_gradient), recorder, training=True)
        seen.of_output.update(output_layers(output, made_by))
        forward(network, given, recorder, training=False)
    return seen


def _with_gradient(x: Tensor) -> Tensor:
    """Let what comes of a batch have a graph, also where the weights are frozen."""
    return x.detach().clone().requires_grad_(x.is_floating_point())


def channel_axis_of(layer: nn.Module, output: Tensor) -> int:
    """Return the axis of a layer's channels in what it puts out: the second of a convolution, else the last."""
    weight = getattr(layer, "weight", None)
    is_deep = isinstance(weight, Tensor) and 2 < weight.dim() == output.dim()
    return 1 if isinstance(layer, _ConvNd) or (is_deep and not isinstance(layer, nn.Bilinear)) else -1
