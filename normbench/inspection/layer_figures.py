"""Describes a layer that was watched in one pass by its figures: output, gradients, weight, and what reaches it."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from normbench.evidence.probe.network_reading import LayerReading
from normbench.inspection.probe_pass import Pass, is_reached
from normbench.inspection.watch.layers import LOOKUPS, WatchedLayer, norm_after
from normbench.inspection.watch.moments import Moments, pooled
from normbench.inspection.watch.running_statistics import buffer_with_nan, faulty_statistics
from normbench.inspection.watch.tensors import dense, is_finite
from normbench.inspection.watch.watch import Call

Calls = Sequence[Call[Moments]]
Grads = Mapping[int, Tensor | None]


def layer_reading(calls: Calls, following: Call[Moments] | None, seen: Pass, last: str) -> LayerReading:
    """Describe a layer by all its calls in one pass.

    Args:
        calls: Its calls.
        following: The first call of the layer that was called next.
        seen: The pass.
        last: Name of the last layer with weights.
    """
    call, layer = calls[0], calls[0].layer
    weight = layer.weight()
    is_normed = layer.role == "weights" and following and following.layer.role == "norm" and following.takes_it_over
    mean_square = call.inputs[0].mean_square if call.inputs else 1.0
    return LayerReading(
        layer=call.name,
        kind=type(layer.module).__name__,
        role=layer.role,
        after=call.after,
        shape=() if weight is None else tuple(weight.shape),
        norm=type(following.layer.module).__name__ if following and is_normed else norm_after(layer),
        is_hidden=layer.is_hidden(last),
        figures=_output_figures(calls, seen) | _weight_figures(layer, weight, seen.grads) | _reach(calls, seen),
        statistics=faulty_statistics(layer.module, call.name, mean_square),
        nan_buffer=buffer_with_nan(layer.module),
        zeros=tuple(_zeros(layer.module, call.name)),
    )


def parameter_reading(name: str, parameter: nn.Parameter, seen: Pass) -> LayerReading:
    """Describe a parameter that lies in no layer; it puts nothing out."""
    figures = _of_weight(parameter, seen.grads) | {"weight_finite": float(is_finite(parameter))}
    figures |= _reach_of([parameter], seen)
    zeros = (name,) if not parameter.any() else ()
    shape = tuple(parameter.shape)
    return LayerReading(name, "Parameter", "parameter", "", shape, "", is_hidden=False, figures=figures, zeros=zeros)


def _zeros(module: nn.Module, name: str) -> list[str]:
    named = module.named_parameters()
    return [f"{name}.{key}" for key, p in named if p.numel() and not key.endswith("bias") and not p.any()]


def _output_figures(calls: Calls, seen: Pass) -> dict[str, float]:
    layer = calls[0].layer
    output = pooled([kept for call in calls for kept in call.outputs])
    arrived = [kept for call in calls for kept in call.grads]
    found = {"mean": abs(output.mean) if isinstance(output.mean, complex) else output.mean}
    found |= {key: getattr(output, key) for key in ("std", "max_abs", "zero_share")}
    if output.num_units:
        found |= {"units": output.num_units, "values_per_unit": output.count / output.num_units}
    if output.num_units and layer.can_die:
        found["dead_share"] = output.zero_unit_share
    if arrived:
        found["grad_std"] = pooled(arrived).std
    came_in = [kept for call in calls for kept in call.inputs]
    if came_in:
        found["input_std"] = pooled(came_in).std
    if calls[0].name in seen.changes:
        found["input_change"], found["change"] = seen.changes[calls[0].name]
    return found | {"input_finite": float(all(call.input_finite for call in calls)), "calls": len(calls)}


def _weight_figures(layer: WatchedLayer, weight: nn.Parameter | None, grads: Grads) -> dict[str, float]:
    if weight is None:
        return {}
    gain, bias = layer.gain(), layer.bias()
    found = _of_weight(weight, grads)
    found["weight_finite"] = float(is_finite(*layer.module.parameters(), bias))
    found |= {} if gain is None else {"weight_gain": gain}
    return found | ({} if bias is None or not bias.numel() else {"bias_mean": bias.detach().double().mean().item()})


def _of_weight(weight: nn.Parameter, grads: Grads) -> dict[str, float]:
    moments, grad = Moments.of(weight, 0), grads.get(id(weight))
    found = {"weight_std": moments.std, "weight_max_abs": moments.max_abs}
    return found | ({} if grad is None else {"weight_grad_std": Moments.of(grad, 0).std})


def _reach(calls: Calls, seen: Pass) -> dict[str, float]:
    """Return the share of a layer's units that get no gradient, and whether any gradient is connected with it."""
    layer, grads = calls[0].layer, [kept for call in calls for kept in call.grads]
    found = _reach_of(list(layer.module.parameters()), seen)
    if "connected" not in found:
        return found
    found["connected"] = max(found["connected"], float(bool(grads)))
    is_output_reached = any(kept.max_abs > 0 for kept in grads)  # nan, too, is told elsewhere
    if is_output_reached and layer.role == "weights" and not layer.can_die:
        of_output = pooled(grads).zero_unit_share
        found["no_grad_share"] = min(of_output, _share_of_units(layer, pooled(grads), seen))
    elif is_output_reached:
        found["no_grad_share"] = 0.0
    return found


def _reach_of(parameters: Sequence[nn.Parameter], seen: Pass) -> dict[str, float]:
    learned = [parameter for parameter in parameters if parameter.requires_grad]
    if not learned:
        return {"learned": 0.0} if parameters else {}
    of_each = [(seen.grads.get(id(p)), seen.awake.get(id(p))) for p in learned]
    reached = any(is_reached(grad) or is_reached(awake) for grad, awake in of_each)
    connected = any(grad is not None or awake is not None for grad, awake in of_each)
    return {"learned": 1.0, "connected": float(connected), "no_grad_share": float(not reached)}


def _share_of_units(layer: WatchedLayer, output_grad: Moments, seen: Pass) -> float:
    """Return the share of units whose own weights get no gradient; 1 where the weight has no axis of units."""
    weight = layer.weight()
    if weight is None or isinstance(layer.module, LOOKUPS):
        return 1.0
    given = (seen.grads.get(id(weight)), seen.awake.get(id(weight)))
    grads = [dense(grad) for grad in given if grad is not None]
    axis = next((i for i, size in enumerate(weight.shape) if size == output_grad.num_units), None)
    if not grads or axis is None:
        return 1.0 if not any(map(is_reached, grads)) else 0.0
    is_zero = torch.stack([(grad == 0).movedim(axis, 0).flatten(1).all(1) for grad in grads]).all(0)
    return is_zero.double().mean().item()
