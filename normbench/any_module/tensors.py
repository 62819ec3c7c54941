"""Finds the tensors in what a module takes or puts out, with their places, and tells whether tensors are finite."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass

import torch
from torch import Tensor, nn

DEEPEST = 8
"""Values lie no deeper in each other; objects may hold themselves."""


def named_tensors(value: object) -> dict[str, Tensor]:
    """Return the floating-point and complex tensors of a value by their place in it, each once, in order.

    A value is a tensor, or tuples, lists, mappings, named tuples, dataclasses and other objects of values.

    Example:
        >>> list(named_tensors({"mean": torch.ones(2), "states": (torch.ones(1), torch.ones(1, dtype=torch.long))}))
        ['mean', 'states.0']
    """
    found: dict[int, tuple[str, Tensor]] = {}
    for place, tensor in _places(value, ""):
        if tensor.is_floating_point() or tensor.is_complex():
            found.setdefault(id(tensor), (place, tensor))
    return dict(found.values())


def _places(value: object, place: str, depth: int = 0) -> Iterator[tuple[str, Tensor]]:
    if isinstance(value, Tensor):
        yield place, value
    elif depth < DEEPEST:
        for name, part in _parts(value):
            yield from _places(part, f"{place}.{name}" if place else name, depth + 1)


def _parts(value: object) -> list[tuple[str, object]]:
    if isinstance(value, Mapping):
        return [(str(key), part) for key, part in value.items()]
    if isinstance(value, tuple | list):
        names = getattr(value, "_fields", range(len(value)))  # those of a named tuple
        return [(str(name), part) for name, part in zip(names, value, strict=True)]
    if is_dataclass(value) and not isinstance(value, type):
        return [(field.name, getattr(value, field.name)) for field in fields(value)]
    is_plain = hasattr(value, "__dict__") and not callable(value) and not isinstance(value, type | nn.Module)
    return list(vars(value).items()) if is_plain else []


def dense(tensor: Tensor) -> Tensor:
    """Return a tensor with all its numbers; a sparse gradient, as of an embedding, holds those of some rows alone."""
    if tensor.layout == torch.jagged:  # of sequences of several lengths
        return tensor.detach().values()
    return tensor.detach() if tensor.layout == torch.strided else tensor.detach().to_dense()


def numbers(tensor: Tensor) -> Tensor:
    """Return all numbers of a tensor as real ones, in float32 or float64; of complex ones their sizes."""
    found = dense(tensor)
    found = found.abs() if found.is_complex() else found
    return found if found.dtype in (torch.float32, torch.float64) else found.float()


def is_finite(*tensors: Tensor | None) -> bool:
    """Return whether all floating-point and complex numbers of some tensors are finite."""
    given = [dense(tensor) for tensor in tensors if tensor is not None]
    return all(
        bool(torch.isfinite(tensor).all()) for tensor in given if tensor.is_floating_point() or tensor.is_complex()
    )


def holds_nan(tensor: Tensor) -> bool:
    """Return whether any number of a tensor is nan; of a dtype without such arithmetic, as of 8 bits, False."""
    has_arithmetic = tensor.is_complex() or (tensor.is_floating_point() and tensor.element_size() > 1)
    return has_arithmetic and bool(torch.isnan(dense(tensor)).any())


def is_inside_transform() -> bool:
    """Return whether torch.func transforms what is computed, so that a tensor has no numbers of its own to look at."""
    return torch._C._functorch.peek_interpreter_stack() is not None  # noqa: SLF001 - torch has no public name for it
