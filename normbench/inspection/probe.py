"""Probes any torch module without training: std per layer, forward and backward; the model stays as it is."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from normbench.errors import SettingError
from normbench.evidence.layers.probe_lines import LayerReading
from normbench.inspection.watch.layers import WatchedLayer, norm_after
from normbench.inspection.watch.moments import Moments, pooled
from normbench.inspection.watch.restore import leaving_unchanged
from normbench.inspection.watch.tensors import first_floating, is_finite
from normbench.inspection.watch.watch import Call, watching
from normbench.random_streams import stream

Grads = Mapping[int, Tensor | None]
"""By the id of their parameter."""


def probe_model(
    model: nn.Module,
    inputs: Tensor,
    *,
    loss: Callable[[Any], Tensor] | None = None,
    seed: int = 0,
) -> list[LayerReading]:
    """Send one batch through a model, forward and backward, in the mode it is in, and describe every layer.

    Nothing about the model is different afterwards, nor are torch's random states, also where the pass raises:
    parameters, buffers, modes, hooks, ``requires_grad`` and ``grad`` are what they were, bit for bit.

    Args:
        model: Any module. Of normbench's own, layers are the weighted ones, with what follows them; of others the
            innermost modules that own parameters, norms, and activations that put out exact zeros.
        inputs: A batch, (N, ...), floating or whole numbers.
        loss: What to go back from, of the model's output; without it a random N(0, 1) direction on the output's first
            floating tensor.
        seed: Decides that direction.

    Returns:
        The layers that were called, in order of execution.

    Raises:
        SettingError: The output has nothing to go back from, or a lazy module has no parameters yet.

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
    watching_moments = watching(model, Moments.of, look_at_inputs=True)
    with leaving_unchanged(model), torch.enable_grad(), watching_moments as watch:
        leaf = inputs.detach().clone()
        leaf.requires_grad_(leaf.is_floating_point())
        output = model(leaf.clone())  # a copy, since a model may write over its input
        value = _direction(output, seed) if loss is None else loss(output)
        grads = _backward(value, [leaf, *model.parameters()])
        return _described(watch.calls, grads)


def _direction(output: Any, seed: int) -> Tensor:
    tensor = first_floating(output, differentiable=True)
    if tensor is None:
        rule = "must have a floating-point tensor that a gradient can be taken of"
        raise SettingError("output", rule, type(output).__name__, "Leave out detach() and no_grad() in the model.")
    direction = torch.randn(tensor.shape, generator=stream(seed, "data", "direction"))
    return (tensor * direction.to(tensor)).sum()


def _backward(value: Tensor, wanted: Sequence[Tensor]) -> Grads:
    """Return gradients without adding them to ``grad``, where hooks of the user's might make a step of them."""
    learned = [tensor for tensor in wanted if tensor.requires_grad]
    found = torch.autograd.grad(value, learned, allow_unused=True)
    return {id(tensor): grad for tensor, grad in zip(learned, found, strict=True)}


def _described(calls: Sequence[Call[Moments]], grads: Grads) -> list[LayerReading]:
    by_name: dict[str, list[Call[Moments]]] = {}
    for call in calls:
        by_name.setdefault(call.name, []).append(call)
    rows = list(by_name.values())
    weighted = [name for name, found in by_name.items() if found[0].layer.role == "weights"]
    following = [*(row[0] for row in rows[1:]), None][: len(rows)]
    last = (weighted or [""])[-1]
    return [_seen(row, after, grads, last) for row, after in zip(rows, following, strict=True)]


def _seen(calls: Sequence[Call[Moments]], following: Call[Moments] | None, grads: Grads, last: str) -> LayerReading:
    call, layer = calls[0], calls[0].layer
    weight = layer.weight()
    is_normed = layer.role == "weights" and following and following.layer.role == "norm" and following.takes_it_over
    return LayerReading(
        layer=call.name,
        kind=type(layer.module).__name__,
        role=layer.role,
        after=call.after,
        shape=() if weight is None else tuple(weight.shape),
        norm=type(following.layer.module).__name__ if following and is_normed else norm_after(layer),
        is_hidden=layer.is_hidden(last),
        figures=_figures(calls, layer) | _weight_figures(layer, weight, grads),
    )


def _figures(calls: Sequence[Call[Moments]], layer: WatchedLayer) -> dict[str, float]:
    output = pooled([call.output for call in calls])
    arrived = [call.grad for call in calls if call.grad]
    found = {key: getattr(output, key) for key in ("mean", "std", "max_abs", "zero_share")}
    if output.num_units:
        found |= {"units": output.num_units, "values_per_unit": output.count / output.num_units}
    if output.num_units and layer.can_die:
        found["dead_share"] = output.zero_unit_share
    found["input_finite"] = float(all(call.input_finite for call in calls))
    return found | (_grad_figures(pooled(arrived), layer) if arrived else {})


def _grad_figures(grad: Moments, layer: WatchedLayer) -> dict[str, float]:
    shares = layer.role == "weights" and not layer.can_die and grad.num_units
    return {"grad_std": grad.std} | ({"no_grad_share": grad.zero_unit_share} if shares else {})


def _weight_figures(layer: WatchedLayer, weight: nn.Parameter | None, grads: Grads) -> dict[str, float]:
    if weight is None:
        return {}
    moments, grad, gain, bias = Moments.of(weight, 0), grads.get(id(weight)), layer.gain(), layer.bias()
    found = {"weight_std": moments.std, "weight_max_abs": moments.max_abs}
    found |= {"weight_finite": float(is_finite(weight, bias)), "learned": float(weight.requires_grad)}
    found |= {} if grad is None else {"weight_grad_std": Moments.of(grad, 0).std}
    found |= {} if gain is None else {"weight_gain": gain}
    return found | ({} if bias is None or not bias.numel() else {"bias_mean": bias.detach().double().mean().item()})
