"""Which modules of a network are its layers: weights, norms, activations that zero; and what their weights are."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd
from torch.nn.utils.parametrize import is_parametrized

from normbench.evidence.layers.probe_lines import Role
from normbench.models.base import Layer, weight_parameters, weighted_layers

ZEROING = (nn.ReLU, nn.ReLU6, nn.Hardsigmoid, nn.Hardswish, nn.Hardshrink, nn.Softshrink, nn.Threshold)
"""Activations that put out exact zeros, by which dead units are seen."""
LOOKUPS = (nn.Embedding, nn.EmbeddingBag)
ROOT = "(model)"


@dataclass(frozen=True)
class WatchedLayer:
    """A module whose output is looked at."""

    name: str
    module: nn.Module
    role: Role

    @property
    def can_die(self) -> bool:
        """Its output is that of an activation with exact zeros."""
        return self.role == "activation" or (isinstance(self.module, Layer) and "activation" in self.module.stages)

    def is_hidden(self, last: str) -> bool:
        """Return whether it has weights and is no output layer; of a foreign model that is the ``last`` one."""
        if isinstance(self.module, Layer):
            return self.module.is_hidden
        return self.role == "weights" and self.name != last

    def weight(self) -> nn.Parameter | None:
        """Return what is learned of its weight: of several tensors the largest."""
        if is_parametrized(self.module, "weight"):
            return max(weight_parameters(self.module), key=Tensor.numel)
        own = dict(self.module.named_parameters(recurse=False))
        return own["weight"] if "weight" in own else max(own.values(), key=Tensor.numel, default=None)

    def bias(self) -> Tensor | None:
        """Return the bias that is added last before any activation: in normbench's layers that of the norm."""
        norm = getattr(self.module, "norm", None) if isinstance(self.module, Layer) else None
        found = [getattr(module, "bias", None) for module in (norm, self.module)]
        return next((bias for bias in found if isinstance(bias, Tensor)), None)

    def gain(self) -> float | None:
        """Return rms(weight) sqrt(fan_in), where a weight as it is learned multiplies what comes in."""
        weight = self.weight()
        if self.role != "weights" or weight is None or is_parametrized(self.module):
            return None
        rms = weight.detach().double().square().mean().sqrt().item()
        return rms * math.sqrt(_fan_in(self.module, weight))

    def unit_axis(self, output: Tensor) -> int | None:
        """Return the axis of channels or features; None where the module does not tell."""
        if self.role == "activation":
            return None
        is_channels_first = isinstance(self.module, _ConvNd | _NormBase | nn.GroupNorm)
        return 1 if is_channels_first and output.dim() > 1 else -1


def watched_layers(model: nn.Module) -> list[WatchedLayer]:
    """Return what to look at: the weighted layers of a normbench model; of any other its innermost parts.

    Those are the modules that own parameters while none inside them does, norms with or without parameters, and
    activations that put out exact zeros.
    """
    own = weighted_layers(model)
    if own:
        return [WatchedLayer(name, layer, "weights") for name, layer in own.items()]
    found = {id(module): WatchedLayer(name or ROOT, module, role) for name, module, role in _innermost(model, "")}
    return list(found.values())


def _innermost(module: nn.Module, name: str) -> Iterator[tuple[str, nn.Module, Role]]:
    role = _role(module)
    if role:
        yield name, module, role
        return
    for child_name, child in module.named_children():
        yield from _innermost(child, f"{name}.{child_name}" if name else child_name)


def _role(module: nn.Module) -> Role | None:
    """Return what a module does to the signal, None for one to look into or to pass by."""
    if isinstance(module, ZEROING):
        return "activation"
    if isinstance(module, nn.MultiheadAttention) or is_parametrized(module):
        return "weights"  # they use what lies inside them without calling it
    if any(True for child in module.children() for _ in child.parameters()):
        return None
    if "norm" in type(module).__name__.lower() and not list(module.children()):
        return "norm"
    dims = [parameter.dim() for parameter in module.parameters(recurse=False)]
    if not dims:
        return None
    return "weights" if max(dims) > 1 and not isinstance(module, LOOKUPS) else "other"


def _fan_in(module: nn.Module, weight: Tensor) -> float:
    if isinstance(module, _ConvTransposeNd):  # (in, out / groups, *kernel); each output meets 1 / stride of the kernel
        return weight.numel() / module.out_channels / math.prod(module.stride)
    return weight[0].numel()


def norm_after(layer: WatchedLayer) -> str:
    """Return the class of the norm that a normbench layer carries; empty without one."""
    norm = getattr(layer.module, "norm", None) if isinstance(layer.module, Layer) else None
    return "" if norm is None or isinstance(norm, nn.Identity) else type(norm).__name__


def first_floating(output: object, *, differentiable: bool = False) -> Tensor | None:
    """Return the first floating-point tensor of an output: a tensor, or a tuple, dict or dataclass of such.

    Args:
        output: What a module put out.
        differentiable: Only a tensor that a gradient can be taken of.
    """
    if isinstance(output, Tensor):
        fits = output.is_floating_point() and (output.requires_grad or not differentiable)
        return output if fits else None
    for part in _parts(output):
        found = first_floating(part, differentiable=differentiable)
        if found is not None:
            return found
    return None


def _parts(output: object) -> list[object]:
    if isinstance(output, dict):
        return list(output.values())
    if isinstance(output, list | tuple):
        return list(output)
    return list(vars(output).values()) if hasattr(output, "__dataclass_fields__") else []


def is_finite(*tensors: Tensor | None) -> bool:
    """Return whether all floating-point numbers of some tensors are finite."""
    floating = [tensor.detach() for tensor in tensors if tensor is not None and tensor.is_floating_point()]
    return all(bool(torch.isfinite(tensor).all()) for tensor in floating)
