"""Finds out what a norm with a forward of its own computes: compares a call of it with the norms that are known."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's idiom

from normbench.norm_swap.kinds import EPS_NAMES, Traits, kind_by_class, settings_of, tensor_of, traits_by_class
from normbench.norm_swap.recorder import Frame
from normbench.precision import HALF_PRECISION

TRIED_EPS = (1e-5, 1e-6, 1e-8, 1e-12)
"""For classes that hold no eps under a usual name."""
TOLERANCE = 1e-4
HALF_TOLERANCE = 2e-2
"""Largest l2 norm of the difference, as a share of the output's."""


def recognized(frame: Frame) -> Traits | None:
    """Return what a norm is by one of its calls: a known norm, perhaps with modules after it.

    The norms that are tried are batch, instance, group, layer and RMS norm with the module's weight, bias and eps, over
    channels on the second or the last axis. What the module calls afterwards, dropout or an activation, must take what
    was normalized, one after the other, and give the output.
    """
    if frame.x is None or not frame.x.is_floating_point() or not isinstance(frame.output, Tensor):
        return None
    for traits, normalized in _references(frame.module, frame.x):
        tail = _tail(frame, normalized)
        if tail is not None:
            return replace(traits, tail=tail)
    return None


def _tail(frame: Frame, normalized: Tensor) -> tuple[str, ...] | None:
    """Return the names of the modules between a normalized tensor and the output; None where they do not lead there."""
    names = {child: name for name, child in frame.module.named_children()}
    value: Any = normalized
    for call in frame.inside:
        if call.module not in names or not _is_close(call.x, value):
            return None
        value = call.output
    return tuple(names[call.module] for call in frame.inside) if _is_close(frame.output, value) else None


def _is_close(found: Any, wanted: Any) -> bool:
    if not isinstance(found, Tensor) or not isinstance(wanted, Tensor) or found.shape != wanted.shape:
        return False
    tolerance = HALF_TOLERANCE if found.dtype in HALF_PRECISION else TOLERANCE
    wanted = wanted.detach().float()
    return bool((found.detach().float() - wanted).norm() <= tolerance * wanted.norm())


@torch.no_grad()
def _references(module: nn.Module, x: Tensor) -> Iterator[tuple[Traits, Tensor]]:
    for axis in _channel_axes(module, x):
        for eps in _tried_eps(module):
            found = dict(_normalized(module, x.movedim(axis, 1), eps))
            own = kind_by_class(module)
            for kind in sorted(found, key=lambda kind: kind != own):  # the class's own is the likeliest
                settings = {**settings_of(module), "eps": eps}
                yield Traits(kind, axis, settings), found[kind].movedim(1, axis)


def _channel_axes(module: nn.Module, x: Tensor) -> list[int]:
    sizes = [one.numel() for name in ("weight", "bias") if (one := tensor_of(module, name)) is not None]
    sizes += [size for name in ("num_features", "num_channels") if isinstance(size := getattr(module, name, None), int)]
    likely = [traits_by_class(module).channel_axis] if kind_by_class(module) else [-1]
    axes = [axis for axis in dict.fromkeys((*likely, 1, -1)) if -x.dim() <= axis < x.dim() and x.dim() > 1]
    return [axis for axis in axes if not sizes or x.shape[axis] == sizes[0]]


def _tried_eps(module: nn.Module) -> tuple[float, ...]:
    known = [getattr(module, name) for name in EPS_NAMES if isinstance(getattr(module, name, None), float | int)]
    return tuple(known) or TRIED_EPS


def _normalized(module: nn.Module, x: Tensor, eps: float) -> Iterator[tuple[str, Tensor]]:
    """Compute the known norms of (N, C, *)."""
    weight, bias = tensor_of(module, "weight"), tensor_of(module, "bias")
    weight, bias = (None if one is None else one.detach().reshape(-1).to(x.dtype) for one in (weight, bias))
    last = x.movedim(1, -1)
    yield "layer_norm", F.layer_norm(last, last.shape[-1:], weight, bias, eps).movedim(-1, 1)
    yield "rms_norm", _affine(x * torch.rsqrt(x.square().mean(1, keepdim=True) + eps), weight, bias)
    mean, var = tensor_of(module, "running_mean"), tensor_of(module, "running_var")
    if not module.training and mean is not None:
        yield "batch_norm", F.batch_norm(x, mean, var, weight, bias, False, 0.0, eps)
    elif x.numel() > x.shape[1]:
        yield "batch_norm", F.batch_norm(x, None, None, weight, bias, True, 0.0, eps)
    if x.shape[2:].numel() > 1:
        yield "instance_norm", F.group_norm(x, x.shape[1], weight, bias, eps)
    num_groups = getattr(module, "num_groups", None)
    if isinstance(num_groups, int) and x.shape[1] % num_groups == 0:
        yield "group_norm", F.group_norm(x, num_groups, weight, bias, eps)


def _affine(x: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
    shape = (-1,) + (1,) * (x.dim() - 2)
    x = x if weight is None else x * weight.view(shape)
    return x if bias is None else x + bias.view(shape)
