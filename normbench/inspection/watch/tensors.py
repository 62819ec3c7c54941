"""Finds the floating-point tensor in what a module puts out, and tells whether tensors are finite."""

import torch
from torch import Tensor


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
