"""Computes mean, variance, largest size and zeros of a tensor, and the same of several tensors together."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from normbench.any_module.tensors import dense


@dataclass(frozen=True)
class Moments:
    """Statistics of one tensor, in float64; std is the population's, of complex numbers sqrt(mean |z - mean z|^2).

    Attributes:
        zero_units: Channels or features that are 0 throughout, (units,); None for a tensor without such an axis.
    """

    count: int
    mean: float | complex
    var: float
    zero_share: float
    max_abs: float
    zero_units: Tensor | None

    @classmethod
    def of(cls, tensor: Tensor, unit_axis: int) -> "Moments":
        """Compute the statistics of a tensor; no view of it is kept, since later layers may write over it."""
        tensor = dense(tensor)
        is_zero = tensor == 0
        var, mean, largest = _complex_moments(tensor) if tensor.is_complex() else _real_moments(tensor)
        units = is_zero.movedim(unit_axis, 0).flatten(1).all(1) if tensor.dim() > 1 else None
        return cls(tensor.numel(), mean, var, is_zero.double().mean().item(), largest, units)

    @property
    def std(self) -> float:
        """Return the root of the variance."""
        return math.sqrt(self.var)

    @property
    def mean_square(self) -> float:
        """Return the mean of the squared sizes."""
        return self.var + abs(self.mean) ** 2

    @property
    def zero_unit_share(self) -> float:
        """Return the share of units that are 0 throughout."""
        return math.nan if self.zero_units is None else self.zero_units.double().mean().item()

    @property
    def num_units(self) -> int:
        """Return the length of the units' axis; 0 without one."""
        return 0 if self.zero_units is None else len(self.zero_units)


def _real_moments(tensor: Tensor) -> tuple[float, float, float]:
    values = tensor.flatten().double()
    var, mean = torch.var_mean(values, correction=0)
    found: tuple[float, float, float] = tuple(torch.stack([var, mean, values.abs().max()]).tolist())
    return found


def _complex_moments(tensor: Tensor) -> tuple[float, complex, float]:
    values = tensor.flatten().to(torch.complex128)
    var, mean = torch.var_mean(torch.view_as_real(values), 0, correction=0)
    return var.sum().item(), complex(*mean.tolist()), values.abs().max().item()


def pooled(calls: Sequence[Moments]) -> Moments:
    """Return the statistics of several tensors together."""
    if len(calls) == 1:
        return calls[0]
    count = sum(call.count for call in calls)
    mean = sum(call.count * call.mean for call in calls) / count
    zero_share = math.fsum(call.count * call.zero_share for call in calls) / count
    var = math.fsum(call.count * (call.var + abs(call.mean - mean) ** 2) for call in calls) / count
    largest = max((call.max_abs for call in calls), key=lambda size: (math.isnan(size), size))
    return Moments(count, mean, var, zero_share, largest, _all_zero(calls))


def _all_zero(calls: Sequence[Moments]) -> Tensor | None:
    units = [call.zero_units for call in calls if call.zero_units is not None]
    if len(units) < len(calls) or len({len(each) for each in units}) > 1:
        return None
    return torch.stack(units).all(0)
