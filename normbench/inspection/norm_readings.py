"""Reads norms at a step: mixing weights, and gaps between running statistics and those of a batch."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import copy, deepcopy
from typing import Any

import torch
from torch import Tensor, nn

from normbench.any_module.random_states import same_random_states_after
from normbench.inspection.joined_batches import tells_batches_apart
from normbench.inspection.reestimation import reestimate, tracking_layers

Probes = dict[str, dict[str, float]]
"""By layer, then by name."""

Statistics = tuple[Tensor, Tensor]
"""Mean and variance, each (C,)."""


class NormWatch:
    """Collects norms' running statistics from before one pass of the network, and the inputs they get in it.

    A norm that is called several times speaks of its first call.
    """

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self._names = {module: name for name, module in model.named_modules()}
        self._seen: dict[Any, tuple[Tensor, dict[str, Statistics]]] = {}

    def keep(self, layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        """Keep a layer's input and copies of its running statistics: a forward pre-hook."""
        if inputs and layer not in self._seen:
            self._seen[layer] = (inputs[0].detach(), named_statistics(layer))

    def probes(self) -> Probes:
        """Return mixing weights, and the gaps between running statistics and those of the batch seen."""
        found = {
            self._names[layer]: gaps(running, batch_statistics(layer, x), layer.eps)
            for layer, (x, running) in self._seen.items()
        }
        return merged(mixing_weights(self._model), found)


@contextmanager
def watching_norms(model: nn.Module) -> Iterator[NormWatch]:
    """Watch the layers with running statistics inside the block; the hooks are gone after it."""
    watch = NormWatch(model)
    handles = [layer.register_forward_pre_hook(watch.keep) for layer in tracking_layers(model)]
    try:
        yield watch
    finally:
        for handle in handles:
            handle.remove()


def mixing_weights(model: nn.Module) -> Probes:
    """Return the shares of layers that mix statistics: ``mixing_mean_batch`` .. ``mixing_var_instance``."""
    layers: dict[str, Any] = {n: module for n, module in model.named_modules() if hasattr(module, "mixing_weights")}
    return {
        name: {f"mixing_{key.replace('.', '_')}": share.item() for key, share in layer.mixing_weights().items()}
        for name, layer in layers.items()
    }


def named_statistics(layer: Any) -> dict[str, Statistics]:
    """Return copies of a layer's running statistics: ``running``, and ``momentum_<m>`` where it carries several.

    With extra momenta, the layer's own has its name too. Names are those of the config, whatever checkpointing made
    of the numbers.
    """
    own = own_statistics(layer)
    if not getattr(layer, "extra_momenta", ()):
        return {"running": own}
    spec = layer.built_from.spec if hasattr(layer, "built_from") else layer
    momenta = ([] if spec.momentum is None else [spec.momentum]) + list(spec.extra_momenta)
    rows = zip(layer.extra_running_mean.clone(), layer.extra_running_var.clone(), strict=True)
    statistics = ([] if spec.momentum is None else [own]) + list(rows)
    named = {f"momentum_{m:g}": both for m, both in zip(momenta, statistics, strict=True)}
    return {"running": own, **named}


def own_statistics(layer: Any) -> Statistics:
    """Return copies of a layer's running mean and variance."""
    return layer.running_mean.clone(), layer.running_var.clone()


def batch_statistics(layer: nn.Module, x: Tensor) -> Statistics:
    """Return the statistics that the layer would remember if it had seen this batch alone, by its own definition."""
    if tells_batches_apart(layer):
        return _by_itself(copy(layer), x)
    alone: Any = deepcopy(layer)
    with same_random_states_after():
        reestimate(alone, [x])
    return own_statistics(alone)


def _by_itself(alone: Any, x: Tensor) -> Statistics:
    """Return the same by a copy that shares everything but its buffers, which costs a tenth."""
    vars(alone)["_buffers"] = {name: buffer.clone() for name, buffer in alone.named_buffers(recurse=False)}
    alone.momentum = 1.0
    alone.reset_running_stats()
    with torch.no_grad():
        alone.forward_batches(x, [len(x)])
    return alone.running_mean, alone.running_var


def gaps(running: Mapping[str, Statistics], of: Statistics, eps: float, kind: str = "") -> dict[str, float]:
    """Return the root mean square over channels of how far each mean and variance is from that ``of`` a batch.

    Means in standard deviations, (running - mean) / sqrt(var + eps); variances by ratio,
    ln((running + eps) / (var + eps)). The names are ``running_mean_gap``, ``momentum_0.1_var_gap`` ...; ``kind`` stands
    before ``mean`` and ``var``.
    """
    found = {}
    mean, var = (statistic.double() for statistic in of)
    for name, both in running.items():
        running_mean, running_var = (statistic.double() for statistic in both)
        found[f"{name}_{kind}mean_gap"] = _rms((running_mean - mean) / (var + eps).sqrt())
        found[f"{name}_{kind}var_gap"] = _rms(((running_var + eps) / (var + eps)).log())
    return found


def _rms(values: Tensor) -> float:
    return values.square().mean().sqrt().item()


def gaps_to_precise(model: nn.Module, precise: Mapping[str, Statistics]) -> Probes:
    """Return the gaps between a model's running statistics and precise ones by layer: ``running_precise_mean_gap`` ...

    Precise statistics are re-estimated from many batches with the weights as they are.
    """
    layers = named_tracking_layers(model).items()
    return {name: gaps(named_statistics(layer), precise[name], layer.eps, "precise_") for name, layer in layers}


def statistics_by_layer(model: nn.Module) -> dict[str, Statistics]:
    """Return copies of the running statistics of each layer that has them, by name."""
    return {name: own_statistics(layer) for name, layer in named_tracking_layers(model).items()}


def named_tracking_layers(model: nn.Module) -> dict[str, Any]:
    """Return the layers with running statistics by name."""
    tracking = set(tracking_layers(model))
    return {name: module for name, module in model.named_modules() if module in tracking}


def merged(*probes: Mapping[str, Mapping[str, float]]) -> Probes:
    """Join numbers by layer and name; of the same name the last counts."""
    layers = dict.fromkeys(layer for one in probes for layer in one)
    return {layer: {name: v for one in probes for name, v in one.get(layer, {}).items()} for layer in layers}
