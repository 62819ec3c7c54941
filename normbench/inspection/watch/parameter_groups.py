"""Splits the parameters of any network: those that weight decay and l1 act on, those of norms, all others."""

from torch import nn

from normbench.inspection.watch.layers import watched_layers
from normbench.models.base import Layer, built_norms, weight_parameters, weighted_layers


def split_parameters(model: nn.Module, decay_on: str) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """Return two lists: the parameters that weight decay and l1 act on, and all others.

    With ``decay_on: weights`` decay acts on the weights of normbench's own layers; in any other network on the tensors
    of two or more dimensions outside of norms.
    """
    weights = _weights(model)
    decayed = [p for p in model.parameters() if decay_on == "all" or id(p) in weights]
    spared = [p for p in model.parameters() if decay_on != "all" and id(p) not in weights]
    return decayed, spared


def norm_parameters(model: nn.Module) -> list[nn.Parameter]:
    """Return the parameters that lie in norms, each once."""
    norms = [model.get_submodule(name) for name in built_norms(model)]
    norms += [layer.module for layer in watched_layers(model) if layer.role == "norm"]
    return list({id(parameter): parameter for norm in norms for parameter in norm.parameters()}.values())


def _weights(model: nn.Module) -> set[int]:
    """Return the ids of the weights that ``decay_on: weights`` means."""
    layers = weighted_layers(model).values()
    if layers and all(isinstance(layer.module, Layer) for layer in watched_layers(model)):
        return {id(parameter) for layer in layers for parameter in weight_parameters(layer)}
    normed = {id(parameter) for parameter in norm_parameters(model)}
    return {id(p) for p in model.parameters() if p.dim() > 1 and id(p) not in normed}
