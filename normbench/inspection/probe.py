"""Probes any torch module without training: std per layer, forward and backward; the model stays as it is."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from normbench.any_module.model_input import ModelInput
from normbench.any_module.plain_execution import (
    executing_plainly,
    refuse_scripted,
    same_global_random_states_after,
)
from normbench.any_module.tensors import holds_nan, is_finite
from normbench.evidence.probe.network_reading import LayerReading, NetworkReading, OutputReading
from normbench.inspection.further_passes import Seen, look_at
from normbench.inspection.layer_figures import layer_reading, parameter_reading
from normbench.inspection.watch.layers import ROOT, WatchedLayer, loose_parameters, plain_name
from normbench.inspection.watch.moments import Moments
from normbench.inspection.watch.running_statistics import own_faulty_statistics
from normbench.inspection.watch.watch import Call


def probe_model(
    model: nn.Module, inputs: Any, *, loss: Callable[[Any], Tensor] | None = None, seed: int = 0
) -> NetworkReading:
    """Send one batch through a model, forward and backward, in the mode it is in, and describe every layer.

    Nothing about the model is different afterwards, nor are torch's random states, also where the pass raises:
    parameters, buffers, modes, hooks, ``requires_grad`` and ``grad`` are what they were, bit for bit. The model is
    called a second time with another input, to see what depends on it.

    Args:
        model: Any module. Of normbench's own, layers are the weighted ones, with what follows them; of others the
            innermost modules that own parameters, norms, and activations that put out exact zeros.
        inputs: A batch, (N, ...), floating or whole numbers; a tuple of what forward takes by position; or a dict of
            what it takes by name.
        loss: What to go back from, of the model's output; without it random N(0, 1) directions on every output that
            depends on learned parameters.
        seed: Decides these directions.

    Returns:
        The layers that were called, in order of execution, as a sequence; beside them norms and outputs.

    Raises:
        SettingError: The output has nothing to go back from, a lazy module has no parameters yet, or a part is
            TorchScript.

    References:
        He, Zhang, Ren and Sun, Delving Deep into Rectifiers, 2015 (std forward and backward over depth).
        https://arxiv.org/abs/1502.01852
        Yang, Pennington, Rao, Sohl-Dickstein and Schoenholz, A Mean Field Theory of Batch Normalization, 2019.
        https://arxiv.org/abs/1902.08129

    Example:
        >>> model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 2))
        >>> [seen.layer for seen in probe_model(model, torch.randn(4, 8))]
        ['0', '1', '2']
    """
    refuse_scripted(model)
    given = ModelInput.of(inputs, model)
    with same_global_random_states_after(), torch.enable_grad(), executing_plainly(model):
        seen = look_at(model, given, loss, seed)
    return NetworkReading(
        layers=_layers(model, seen),
        norms=tuple(seen.first.norms.readings.values()),
        outputs=_outputs(seen),
        num_samples=_num_samples(given, seen),
        not_finite=_loose_not_finite(model, seen),
        statistics=_loose_statistics(model, seen),
    )


def _layers(model: nn.Module, seen: Seen) -> tuple[LayerReading, ...]:
    by_name: dict[str, list[Call[Moments]]] = {}
    for call in seen.first.calls:
        by_name.setdefault(call.name, []).append(call)
    rows = list(by_name.values())
    heads = _heads(seen)
    following = [*(row[0] for row in rows[1:]), None][: len(rows)]
    found = [layer_reading(row, after, seen, heads) for row, after in zip(rows, following, strict=True)]
    for name, parameter in loose_parameters(model, _layers_of(seen)).items():
        if parameter.requires_grad or list(model.get_submodule(name.rpartition(".")[0]).children()):
            found.insert(_place(name, found), parameter_reading(name, parameter, seen))
    return tuple(found)


def _heads(seen: Seen) -> set[str]:
    """Return the names of the last layer with weights on the way to each output, and of the last of all."""
    weighted = [call.name for call in seen.first.calls if call.layer.role == "weights"]
    ways = [_computed_by(one.nodes, seen) for one in seen.first.outputs.values()]
    on_ways = [[name for name in way if name in set(weighted)] for way in ways]
    return {way[-1] for way in (*on_ways, weighted) if way}


def _layers_of(seen: Seen) -> list[WatchedLayer]:
    return [call.layer for call in seen.first.calls]


def _place(parameter: str, found: list[LayerReading]) -> int:
    """Return the place of a parameter of no layer: before the first layer that lies in the same module."""
    owner = parameter.rpartition(".")[0]
    layers = ((i, one.layer) for i, one in enumerate(found) if one.role != "parameter")
    inside = (i for i, name in layers if not owner or name.startswith(f"{owner}."))
    return next(inside, len(found))


def _num_samples(given: ModelInput, seen: Seen) -> int:
    """Return the samples of the batch: the length of the first output, where it has one, else of the first input.

    Where layers take steps first, (T, N, F), and so does the output, it is that of the second axis.
    """
    put_out = [one.tensor for one in seen.first.outputs.values() if one.has_gradient and one.tensor.dim() > 1]
    if not put_out:
        return given.num_samples
    takes_steps_first = any(getattr(layer.module, "batch_first", True) is False for layer in _layers_of(seen))
    has_steps_first = takes_steps_first and put_out[0].dim() == 3 and len(put_out[0]) == given.num_samples
    return put_out[0].shape[1] if has_steps_first else len(put_out[0])


def _loose_not_finite(model: nn.Module, seen: Seen) -> tuple[str, ...]:
    """Return the names of parameters with inf or nan, and of buffers with nan, that lie in no layer."""
    inside = {id(buffer) for layer in _layers_of(seen) for buffer in layer.module.buffers()}
    buffers = [plain_name(name) for name, one in model.named_buffers() if id(one) not in inside and holds_nan(one)]
    parameters = loose_parameters(model, _layers_of(seen)).items()
    return (*(name for name, parameter in parameters if not is_finite(parameter)), *buffers)


def _loose_statistics(model: nn.Module, seen: Seen) -> dict[str, str]:
    """Return what is wrong with running statistics of modules that are no layers, by the module's name."""
    inside = {id(part) for layer in _layers_of(seen) for part in layer.module.modules()}
    others = {plain_name(name): module for name, module in model.named_modules() if id(module) not in inside}
    found = {name: own_faulty_statistics(one, "" if name == ROOT else name) for name, one in others.items()}
    return {name: fault for name, fault in found.items() if fault}


def _outputs(seen: Seen) -> tuple[OutputReading, ...]:
    return tuple(
        OutputReading(
            name=place,
            has_gradient=one.has_gradient,
            is_finite=is_finite(one.tensor),
            change=seen.output_changes.get(place),
            layers=tuple(dict.fromkeys(_computed_by(one.nodes, seen))),
        )
        for place, one in seen.first.outputs.items()
    )


def _computed_by(nodes: set[Any], seen: Seen) -> list[str]:
    return [call.name for call in seen.first.calls if any(part.node in nodes for part in call.parts)]
