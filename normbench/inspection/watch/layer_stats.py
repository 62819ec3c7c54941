"""Computes mean, std, l2_norm, sizes and zero share of tensors by name: weights, gradients, activations."""

from collections.abc import Hashable, Mapping
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from normbench.any_module.tensors import numbers

Key = TypeVar("Key", bound=Hashable)
STATISTICS = ("mean", "std", "l2_norm", "max_abs", "zero_share", "median_abs")

MANY = 500
"""Values from which on numpy finds the median faster."""


def layer_of(parameter: str) -> str:
    """Return the layer a parameter is filed under: its weight bears the layer's own name.

    Example:
        >>> layer_of("conv1.weight"), layer_of("conv1.bias"), layer_of("conv1.norm.weight")
        ('conv1', 'conv1.bias', 'conv1.norm')
    """
    return parameter.removesuffix(".weight")


def describe(tensors: Mapping[Key, Tensor]) -> dict[Key, dict[str, float]]:
    """Return the statistics of each tensor that holds numbers, by its key; std is the population's.

    Mean, std and norm in float64, since the variance of a vanishing signal underflows in float32. Computed where the
    tensors are, moved once. The median of an even number of sizes is the lower of the middle two.
    """
    values = {key: numbers(tensor).flatten() for key, tensor in tensors.items() if tensor.numel()}
    if not values:
        return {}
    columns = zip(*(_statistics(one) for one in values.values()), strict=True)
    mean, var, l2_norm, max_abs, num_nonzero, median_abs = (torch.stack(column).double() for column in columns)
    nums = torch.tensor([len(one) for one in values.values()], dtype=torch.float64, device=mean.device)
    statistics = mean, var.sqrt(), l2_norm, max_abs, (nums - num_nonzero) / nums, median_abs
    table = torch.stack(statistics, dim=1).tolist()
    return {key: dict(zip(STATISTICS, row, strict=True)) for key, row in zip(values, table, strict=True)}


def _statistics(values: Tensor) -> tuple[Tensor, ...]:
    """Return mean, var, l2 norm, largest size, number of values that are not 0 and median size of a vector."""
    exact, sizes = values.double(), values.abs()
    var, mean = torch.var_mean(exact, correction=0)
    largest, num_nonzero = sizes.max(), torch.count_nonzero(values)
    return mean, var, torch.linalg.vector_norm(exact), largest, num_nonzero, _median(sizes, largest)


def _median(sizes: Tensor, largest: Tensor) -> Tensor:
    """Return the median as torch does, nan if any value is; of many values numpy finds it eight times faster."""
    if sizes.device.type != "cpu" or len(sizes) < MANY or largest.isnan():
        return sizes.median()
    middle = (len(sizes) - 1) // 2
    # A copy: a view of one value would keep all of them until the statistics of every tensor are there.
    return torch.from_numpy(np.partition(sizes.numpy(), middle))[middle].clone()
