"""Tells by a module's class whether it is a norm, of which kind, on which axis its channels lie, and its settings."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.instancenorm import _InstanceNorm
from torch.nn.utils.parametrize import is_parametrized

from normbench.models.base import BuiltNorm

TORCH_KINDS: dict[type[nn.Module], str] = {
    _BatchNorm: "batch_norm",
    _InstanceNorm: "instance_norm",
    nn.GroupNorm: "group_norm",
    nn.LayerNorm: "layer_norm",
    nn.RMSNorm: "rms_norm",
    nn.LocalResponseNorm: "local_response_norm",
}
"""Torch's classes of norms, with the name of normbench's norm of the same kind."""
OWN_LAYERS = "normbench.norms."
EPS_NAMES = ("eps", "epsilon", "variance_epsilon", "norm_eps", "layer_norm_eps")


@dataclass(frozen=True)
class Traits:
    """What a norm of a network is.

    Attributes:
        kind: normbench's name of its kind; "" where it is none that is known.
        channel_axis: Axis of the channels, counted from the end where it is -1 or below.
        settings: Those that a norm in its place inherits: ``eps``, ``momentum``, ``affine``, ``track_running_stats``.
        tail: Names of its modules that act on what it has normalized, in order: ``drop``, ``act``.
    """

    kind: str
    channel_axis: int
    settings: Mapping[str, Any] = field(default_factory=dict)
    tail: tuple[str, ...] = ()


def kind_by_class(module: nn.Module) -> str:
    """Return normbench's name for the kind of torch's and normbench's norms and all derived from them, else ""."""
    built_from = getattr(module, "built_from", None)
    if type(module).__module__.startswith(OWN_LAYERS):
        return built_from.spec.name if isinstance(built_from, BuiltNorm) else type(module).__module__.split(".")[-1]
    return next((kind for torchs, kind in TORCH_KINDS.items() if isinstance(module, torchs)), "")


def is_called_norm(module: nn.Module) -> bool:
    """Return whether the name of a module's class says that it is a norm."""
    return "norm" in type(module).__name__.lower()


def may_be_norm(module: nn.Module) -> bool:
    """Return whether a module is a norm by its class, or may be one: by its name, or as it learns vectors alone."""
    if kind_by_class(module):
        return True
    is_container = isinstance(module, nn.Sequential | nn.ModuleList | nn.ModuleDict)
    holds_others = any(True for child in module.children() for _ in (*child.parameters(), *child.buffers()))
    if is_container or holds_others or not has_own_forward(module):
        return False
    own = list(module.parameters(recurse=False))
    return is_called_norm(module) or bool(own and all(max(one.shape, default=1) == one.numel() for one in own))


def has_own_forward(module: nn.Module) -> bool:
    """Return whether what a module computes is not simply what torch's or normbench's class does."""
    forward: Any = type(module).forward
    known = str(getattr(forward, "__module__", "")).startswith(("torch.nn.modules.", OWN_LAYERS))
    return "forward" in vars(module) or not known or is_parametrized(module)


def traits_by_class(module: nn.Module) -> Traits:
    """Return what a norm of torch's or normbench's is, by its class."""
    kind = kind_by_class(module)
    axis = 1
    if isinstance(module, nn.LayerNorm | nn.RMSNorm):
        axis = -len(module.normalized_shape)
    return Traits(kind, axis, settings_of(module))


def settings_of(module: nn.Module) -> dict[str, Any]:
    """Return the settings that a norm in a module's place inherits; those that it does not have are left out."""
    found: dict[str, Any] = {"affine": any(getattr(module, name, None) is not None for name in ("weight", "bias"))}
    eps = next((getattr(module, name) for name in EPS_NAMES if hasattr(module, name)), "none")
    if eps is None:  # nn.RMSNorm then takes that of its numbers
        eps = torch.finfo(_dtype(module)).eps
    if isinstance(eps, float | int):
        found["eps"] = float(eps)
    for name in ("momentum", "track_running_stats"):
        if hasattr(module, name):
            found[name] = getattr(module, name)
    return found


def _dtype(module: nn.Module) -> torch.dtype:
    tensors = (*module.parameters(), *module.buffers())
    return next((one.dtype for one in tensors if one.is_floating_point()), torch.get_default_dtype())


def tensor_of(module: nn.Module, name: str) -> Tensor | None:
    """Return a module's weight, bias or running statistic, learned or not; None without it."""
    part = getattr(module, name, None)
    return part if isinstance(part, Tensor) else None
