"""Finds the layers of any module by their role: weights, norm, activation or other; reads weight, bias and gain."""

import math
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd
from torch.nn.utils.parametrize import is_parametrized

from normbench.any_module.model_input import COMPILED
from normbench.evidence.probe.network_reading import Role
from normbench.models.base import Layer, weight_parameters
from normbench.norm_swap.places import INSERTED_NAME

ZEROING = (nn.ReLU, nn.ReLU6, nn.Hardsigmoid, nn.Hardswish, nn.Hardshrink, nn.Softshrink, nn.Threshold)
"""Activations that put out exact zeros, by which dead units are seen."""
LOOKUPS = (nn.Embedding, nn.EmbeddingBag)
ROOT = "(model)"


@dataclass(frozen=True)
class WatchedLayer:
    """A module whose output is watched."""

    name: str
    module: nn.Module
    role: Role

    @property
    def can_die(self) -> bool:
        """Return whether its output is that of an activation with exact zeros."""
        return self.role == "activation" or (isinstance(self.module, Layer) and "activation" in self.module.stages)

    def is_hidden(self, heads: Collection[str]) -> bool:
        """Return whether it has weights and is no output layer; of a foreign model these are the ``heads``."""
        if isinstance(self.module, Layer):
            return self.module.is_hidden
        return self.role == "weights" and self.name not in heads

    def weight(self) -> nn.Parameter | None:
        """Return what is learned of its weight: of several tensors the largest."""
        if is_parametrized(self.module, "weight"):
            return max(weight_parameters(self.module), key=Tensor.numel)
        own = {name: one for name, one in self.module.named_parameters(recurse=False) if one.numel()}
        return own["weight"] if "weight" in own else max(own.values(), key=Tensor.numel, default=None)

    def bias(self) -> Tensor | None:
        """Return the bias that is added last before any activation: in normbench's layers that of the norm."""
        norm = getattr(self.module, "norm", None) if isinstance(self.module, Layer) else None
        found = [getattr(module, "bias", None) for module in (norm, self.module)]
        return next((bias for bias in found if isinstance(bias, Tensor)), None)

    def gain(self) -> float | None:
        """Return rms(weight) sqrt(fan_in), where a weight as it is learned multiplies what comes in."""
        weight = self.weight()
        if weight is None or not self._multiplies or not weight.requires_grad or not weight.numel():
            return None
        rms = weight.detach().abs().double().square().mean().sqrt().item()
        return rms * math.sqrt(_fan_in(self.module, weight))

    @property
    def _multiplies(self) -> bool:
        """Whether its output is the weight, as it is learned, times what comes in: a layer of a kind that is known."""
        kinds = nn.Linear | _ConvNd | nn.RNNBase | nn.MultiheadAttention
        if not isinstance(self.module, kinds) or is_parametrized(self.module):
            return False
        forward: Any = type(self.module).forward
        return isinstance(self.module, Layer) or forward.__module__.startswith("torch.nn.")

    def unit_axis(self, output: Tensor) -> int | None:
        """Return the axis of channels or features; None where the module does not tell."""
        if self.role == "activation":
            return None
        is_channels_first = isinstance(self.module, _ConvNd | _NormBase | nn.GroupNorm) or self._is_like_filters(output)
        return 1 if is_channels_first and output.dim() > 1 else -1

    def _is_like_filters(self, output: Tensor) -> bool:
        weight = self.weight()
        is_deep = weight is not None and weight.dim() > 2 and output.dim() == weight.dim()
        return is_deep and weight is not None and output.shape[1] == weight.shape[0] != output.shape[-1]


def watched_layers(model: nn.Module) -> list[WatchedLayer]:
    """Return the layers of a model in the order they were added, each once, by its first name.

    A layer is a module that owns parameters while none inside it does, a norm with or without parameters, or an
    activation that puts out exact zeros. Of normbench's own models, and where all that is learned lies in such layers,
    which hold norm and activation, it is those alone.
    """
    found: dict[int, WatchedLayer] = {}
    for layer in _innermost(model, ""):
        found.setdefault(id(layer.module), layer)
    own = [layer for layer in found.values() if isinstance(layer.module, Layer)]
    is_normbenchs = type(model).__module__.startswith("normbench.")
    return own if own and (is_normbenchs or not loose_parameters(model, own)) else list(found.values())


def _innermost(module: nn.Module, name: str) -> Iterator[WatchedLayer]:
    role = _role(module)
    if role:
        yield WatchedLayer(name or ROOT, module, role)
        if INSERTED_NAME in module._modules:  # noqa: SLF001 - a norm of which the layer itself knows nothing
            yield from _innermost(module.get_submodule(INSERTED_NAME), f"{name}.{INSERTED_NAME}")
        return
    for child_name, child in module.named_children():
        if child_name == "parametrizations":  # of a container's own parameter
            continue
        inner = name if child_name == COMPILED else f"{name}.{child_name}" if name else child_name
        yield from _innermost(child, inner)


def _role(module: nn.Module) -> Role | None:
    """Return what a module does to the signal, None for a container or a function without parameters."""
    if isinstance(module, Layer):
        return "weights"
    if isinstance(module, ZEROING):
        return "activation"
    inside = [child for name, child in module.named_children() if name not in ("parametrizations", INSERTED_NAME)]
    has_layers = any(True for child in inside for _ in child.parameters())
    if isinstance(module, nn.MultiheadAttention) or (is_parametrized(module) and not has_layers):
        return "weights"  # they use what lies inside them without calling it
    if has_layers:
        return None
    if "norm" in type(module).__name__.lower() and not list(module.children()):
        return "norm"
    dims = [sum(size > 1 for size in parameter.shape) for parameter in module.parameters(recurse=False)]
    if not dims:
        return None
    return "weights" if max(dims) > 1 and not isinstance(module, LOOKUPS) else "other"


def loose_parameters(model: nn.Module, called: Iterable[WatchedLayer]) -> dict[str, nn.Parameter]:
    """Return the parameters by name that lie in no called layer: a class token, a gate, a weight used by a function."""
    inside = {id(parameter) for layer in called for parameter in layer.module.parameters()}
    return {plain_name(name): one for name, one in model.named_parameters() if id(one) not in inside}


def plain_name(name: str) -> str:
    """Return the name that a module, parameter or buffer has without the compiler; of the model itself ROOT.

    Example:
        >>> plain_name("_orig_mod.conv1.weight"), plain_name("")
        ('conv1.weight', '(model)')
    """
    parts = [part for part in name.split(".") if part != COMPILED]
    return ".".join(parts) or ROOT


def _fan_in(module: nn.Module, weight: Tensor) -> float:
    if isinstance(module, _ConvTransposeNd):  # (in, out / groups, *kernel); each output meets 1 / stride of the kernel
        return weight.numel() / module.out_channels / math.prod(module.stride)
    return weight[0].numel()


def norm_after(layer: WatchedLayer) -> str:
    """Return the class of the norm that a normbench layer carries; empty without one."""
    norm = getattr(layer.module, "norm", None) if isinstance(layer.module, Layer) else None
    return "" if norm is None or isinstance(norm, nn.Identity) else type(norm).__name__
