"""Computes mean, std, l2_norm, sizes and zero share of tensors by name: weights, gradients, activations."""

from collections.abc import Mapping

import torch
from torch import Tensor

from normbench.any_module.tensors import numbers

STATISTICS = ("mean", "std", "l2_norm", "max_abs", "zero_share", "median_abs")


def layer_of(parameter: str) -> str:
    """Return the layer a parameter is filed under: its weight bears the layer's own name.

    Example:
        >>> layer_of("conv1.weight"), layer_of("conv1.bias"), layer_of("conv1.norm.weight")
        ('conv1', 'conv1.bias', 'conv1.norm')
    """
    return parameter.removesuffix(".weight")


def describe(tensors: Mapping[str, Tensor]) -> dict[str, dict[str, float]]:
    """Return the statistics of each tensor that holds numbers by name; std is the population's.

    In float64, since the variance of a vanishing signal underflows in float32. Computed where the tensors
    are, moved once. The median of an even number of sizes is the lower of the middle two.
    """
    found = {name: _statistics(numbers(tensor)) for name, tensor in tensors.items() if tensor.numel()}
    if not found:
        return {}
    table = torch.stack(list(found.values())).tolist()
    return {name: dict(zip(STATISTICS, row, strict=True)) for name, row in zip(found, table, strict=True)}


def _statistics(tensor: Tensor) -> Tensor:
    values = tensor.flatten().double()
    var, mean = torch.var_mean(values, correction=0)
    zero_share = (values == 0).double().mean()
    sizes = values.abs()
    l2_norm = torch.linalg.vector_norm(values)
    return torch.stack([mean, var.sqrt(), l2_norm, sizes.max(), zero_share, sizes.median()])
