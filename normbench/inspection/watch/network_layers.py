"""Lists the layers of a network as a run reports them: normbench's own with what follows, of others those called."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from normbench.any_module.restore import leaving_unchanged
from normbench.any_module.tensors import dense
from normbench.evidence.probe.network_reading import Role
from normbench.inspection.watch.layers import WatchedLayer, norm_after, watched_layers
from normbench.inspection.watch.watch import Call, watching
from normbench.models.base import Layer, learned_parameters, weight_parameters

NUM_SAMPLES = 4
"""Of the pass that finds the order of the layers: enough for a norm over the batch."""
Kept = tuple[Tensor, int]
"""A tensor, and its axis of channels or features."""


@dataclass(frozen=True)
class NetworkLayer:
    """One layer of a network, as it is called first.

    Attributes:
        name: Its path; an activation that is called again also has the number of the call, ``relu#2``.
        module: The layer itself.
        role: weights, norm, activation or other.
        shape: Shape of its weight; empty without one.
        weights: Names of the learned tensors of its weight, as in ``learned_parameters``; the largest is the first.
        parameters: Names of all that is learned in it.
        has_norm: Whether a norm follows its weight; true where it has none, as a norm itself.
        is_hidden: Whether it is not the last layer with weights.
        can_die: Whether its units may be 0 for good: a hidden layer of normbench's own, an activation with exact zeros.
        unit_axis: The axis of channels or features in its output.
    """

    name: str
    module: nn.Module
    role: Role
    shape: tuple[int, ...]
    weights: tuple[str, ...]
    parameters: tuple[str, ...]
    has_norm: bool
    is_hidden: bool
    can_die: bool
    unit_axis: int = 1


def network_layers(model: nn.Module, x: Tensor) -> list[NetworkLayer]:
    """Return the layers of a network from input to output; nothing about it is different afterwards.

    Of normbench's own models these are the layers with weights, which hold norm and activation. Any other network is
    called once, on a few samples in the mode that it is in, to see which of its layers it calls and in which order.

    Args:
        model: Any network that takes a batch.
        x: A batch of training samples.
    """
    names = {id(parameter): name for name, parameter in learned_parameters(model).items()}
    watched = watched_layers(model)
    if watched and all(isinstance(layer.module, Layer) for layer in watched):
        return [_own_layer(layer, names) for layer in watched]
    with leaving_unchanged(model), torch.no_grad(), watching(model, _keep, look_at_inputs=True) as watch:
        model(x[:NUM_SAMPLES])
    calls: dict[str, Call[Kept]] = {}
    for call in watch.calls:
        calls.setdefault(call.name, call)
    last = next((name for name, call in reversed(calls.items()) if call.layer.role == "weights"), "")
    normed = _followed_by_norm(watch.calls)
    return [_called_layer(call, names, is_normed=name in normed, is_last=name == last) for name, call in calls.items()]


def _keep(tensor: Tensor, unit_axis: int) -> Kept:
    return tensor, unit_axis


def _own_layer(layer: WatchedLayer, names: Mapping[int, str]) -> NetworkLayer:
    weights = weight_parameters(layer.module)
    return NetworkLayer(
        name=layer.name,
        module=layer.module,
        role="weights",
        shape=tuple(weights[0].shape),
        weights=_names(weights, names),
        parameters=_names(layer.module.parameters(), names),
        has_norm=bool(norm_after(layer)),
        is_hidden=layer.is_hidden(()),
        can_die=layer.is_hidden(()),
    )


def _called_layer(call: Call[Kept], names: Mapping[int, str], *, is_normed: bool, is_last: bool) -> NetworkLayer:
    layer = call.layer
    weight = layer.weight()
    return NetworkLayer(
        name=call.name,
        module=layer.module,
        role=layer.role,
        shape=() if weight is None else tuple(weight.shape),
        weights=_names(_weights(layer), names),
        parameters=_names(layer.module.parameters(), names),
        has_norm=is_normed or layer.role != "weights",
        is_hidden=layer.role == "weights" and not is_last,
        can_die=layer.can_die,
        unit_axis=call.parts[0].output[1],
    )


def _names(parameters: Iterable[nn.Parameter], names: Mapping[int, str]) -> tuple[str, ...]:
    return tuple(names[id(parameter)] for parameter in parameters)


def _weights(layer: WatchedLayer) -> list[nn.Parameter]:
    """Return the learned tensors of a layer's weight, the largest first: of a recurrent one several, without biases."""
    largest = layer.weight()
    if largest is None:
        return []
    matrices = [p for p in layer.module.parameters() if p.dim() > 1 and layer.role == "weights"]
    return list({id(parameter): parameter for parameter in (largest, *matrices)}.values())


def _followed_by_norm(calls: Sequence[Call[Kept]]) -> set[str]:
    """Return the names of the layers whose output some norm takes, be it transposed or written over in place."""
    normed = {_memory(kept) for call in calls if call.layer.role == "norm" for kept in call.inputs[:1]}
    return {call.name for call in calls for part in call.parts if _memory(part.output) in normed}


def _memory(kept: Kept) -> int:
    return dense(kept[0]).untyped_storage().data_ptr()
