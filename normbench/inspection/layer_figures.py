"""Describes a layer that was watched in one pass by its figures: output, gradients, weight, and what reaches it."""

from collections.abc import Collection, Sequence

from torch import nn

from normbench.any_module.tensors import is_finite
from normbench.evidence.probe.network_reading import LayerReading
from normbench.inspection.further_passes import Seen, share_without_gradient
from normbench.inspection.probe_pass import Grads, is_reached
from normbench.inspection.watch.layers import LOOKUPS, WatchedLayer, norm_after
from normbench.inspection.watch.moments import Moments, pooled
from normbench.inspection.watch.running_statistics import buffer_with_nan, faulty_statistics
from normbench.inspection.watch.watch import Call

Calls = Sequence[Call[Moments]]


def layer_reading(calls: Calls, following: Call[Moments] | None, seen: Seen, heads: Collection[str]) -> LayerReading:
    """Describe a layer by all its calls in one pass.

    Args:
        calls: Its calls.
        following: The first call of the layer that was called next.
        seen: What was seen.
        heads: Names of the layers with weights from which an output comes without another one.
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
        is_hidden=layer.is_hidden(heads),
        figures={
            **_output_figures(calls, seen),
            **_weight_figures(layer, weight, seen.first.grads),
            **_reach(calls, seen),
            **({"norm_apart": 1.0} if is_normed else {}),
        },
        statistics=faulty_statistics(layer.module, call.name, mean_square),
        nan_buffer=buffer_with_nan(layer.module),
        zeros=tuple(_zeros(layer.module, call.name)),
    )


def parameter_reading(name: str, parameter: nn.Parameter, seen: Seen) -> LayerReading:
    """Describe a parameter that lies in no layer; it puts nothing out."""
    figures = _of_weight(parameter, seen.first.grads) | {"weight_finite": float(is_finite(parameter))}
    figures |= _reach_of([parameter], seen)
    zeros = (name,) if not parameter.any() else ()
    shape = tuple(parameter.shape)
    return LayerReading(name, "Parameter", "parameter", "", shape, "", is_hidden=False, figures=figures, zeros=zeros)


def _zeros(module: nn.Module, name: str) -> list[str]:
    named = module.named_parameters()
    return [f"{name}.{key}" for key, p in named if p.numel() and not key.endswith("bias") and not p.any()]


def _output_figures(calls: Calls, seen: Seen) -> dict[str, float]:
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
        found |= {"input_std": pooled(came_in).std, "input_zero": float(any(one.max_abs == 0 for one in came_in))}
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
    if bias is not None and bias.numel():
        mean = Moments.of(bias, 0).mean
        found["bias_mean"] = abs(mean) if isinstance(mean, complex) else mean
    return found


def _of_weight(weight: nn.Parameter, grads: Grads) -> dict[str, float]:
    if not weight.numel():
        return {}
    moments, grad = Moments.of(weight, 0), grads.get(id(weight))
    found = {"weight_std": moments.std, "weight_max_abs": moments.max_abs}
    return found | ({} if grad is None else {"weight_grad_std": Moments.of(grad, 0).std})


def _reach(calls: Calls, seen: Seen) -> dict[str, float]:
    """Return the share of a layer's units that get no gradient, and what is connected with the loss at all."""
    layer, grads = calls[0].layer, [kept for call in calls for kept in call.grads]
    found = _reach_of(list(layer.module.parameters()), seen)
    if "connected" not in found:
        return found
    found["connected"] = max(found["connected"], float(bool(grads)))
    weights = [p for name, p in layer.module.named_parameters() if p.requires_grad and "bias" not in name]
    if weights and not isinstance(layer.module, LOOKUPS):
        found["weight_reached"] = float(any(is_reached(one.get(id(p))) for one in seen.grads for p in weights))
    if any(kept.max_abs > 0 for kept in grads):
        found["output_reached"] = 1.0
        of_units = layer.role == "weights" and not layer.can_die
        found["no_grad_share"] = _share_of_units(layer, pooled(grads), seen) if of_units else 0.0
    return found


def _reach_of(parameters: Sequence[nn.Parameter], seen: Seen) -> dict[str, float]:
    learned = [parameter for parameter in parameters if parameter.requires_grad and parameter.numel()]
    if not learned:
        return {"learned": 0.0} if parameters else {}
    of_each = [[grads.get(id(p)) for grads in seen.grads] for p in learned]
    reached = [any(map(is_reached, grads)) for grads in of_each]
    at_once = any(is_reached(grads[0]) for grads in of_each)
    return {
        "learned": 1.0,
        "connected": float(any(grad is not None for grads in of_each for grad in grads)),
        "no_grad_share": float(not any(reached)),
        "waits": float(any(reached) and not at_once),
    }


def _share_of_units(layer: WatchedLayer, output_grad: Moments, seen: Seen) -> float:
    """Return the share of units that get a gradient neither at the output nor at their own weights."""
    weight = layer.weight()
    if weight is None or isinstance(layer.module, LOOKUPS):
        return output_grad.zero_unit_share
    axis = next((i for i, size in enumerate(weight.shape) if size == output_grad.num_units), None)
    grads = [found.get(id(weight)) for found in seen.grads]
    if axis is None:
        return output_grad.zero_unit_share if not any(map(is_reached, grads)) else 0.0
    return min(output_grad.zero_unit_share, share_without_gradient(grads, axis))
