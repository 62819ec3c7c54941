"""Finds running means and variances that no batch could have: nan, infinite, negative, zero or far too large."""

import re

from torch import Tensor, nn

from normbench.any_module.tensors import holds_nan

MEAN = re.compile(r"(running|moving)_(mean|avg)")
VARIANCE = re.compile(r"(running|moving)_(var|std)")
FAR_SQUARED = 1e6
"""A variance so many times larger than what comes in leaves a thousandth of it."""


def faulty_statistics(module: nn.Module, name: str, mean_square: float) -> str:
    """Say what is wrong with the running statistics of a layer and of what lies in it; "" if nothing is.

    Args:
        module: The layer, or a norm alone.
        name: Its name.
        mean_square: Mean square of what comes in; nan if unknown.

    Returns:
        Such as "bn.running_var is negative in 1 of 8 channels".
    """
    named = ((".".join(filter(None, (name, prefix))), part) for prefix, part in module.named_modules())
    return next((fault for place, part in named if (fault := own_faulty_statistics(part, place, mean_square))), "")


def own_faulty_statistics(module: nn.Module, name: str, mean_square: float = 1.0) -> str:
    """Say what is wrong with the running statistics that a module itself holds; "" if nothing is."""
    usual = max(1.0, mean_square) if mean_square == mean_square else 1.0
    for key, buffer in module.named_buffers(recurse=False):
        fault = _fault(key, buffer, usual, is_read=not module.training) if buffer.is_floating_point() else ""
        if fault:
            return f"{f'{name}.' if name else ''}{key} {fault}"
    return ""


def _fault(key: str, buffer: Tensor, usual: float, *, is_read: bool) -> str:
    is_variance = bool(VARIANCE.search(key))
    if not (is_variance or MEAN.search(key)) or not buffer.numel():
        return ""
    limit = FAR_SQUARED * usual if is_variance else (FAR_SQUARED * usual) ** 0.5
    values = buffer.detach().double()
    faults = {
        "is nan": values.isnan(),
        "is infinite": values.isinf(),
        "is negative": (values < 0) & is_variance,
        "is 0": (values == 0) & is_variance & is_read,  # a start at 0 does no harm before it is read
        f"is far too large, up to {values.abs().max().item():.3g},": values.abs() > limit,
    }
    return next((_counted(words, hit) for words, hit in faults.items() if hit.any()), "")


def _counted(words: str, hit: Tensor) -> str:
    return f"{words} in {int(hit.sum())} of {hit.numel()} channels"


def buffer_with_nan(module: nn.Module) -> str:
    """Return the name of a buffer that holds nan, "" without one."""
    return next((key for key, buffer in module.named_buffers() if holds_nan(buffer)), "")
