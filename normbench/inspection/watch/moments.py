"""Computes mean, variance, largest size and zeros of a tensor, and the same of several tensors together."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Moments:
    """Statistics of one tensor, in float64; std is the population's.

    Attributes:
        zero_units: Channels or features that are 0 throughout, (units,); None for a tensor without such an axis.
    """

    count: int
    mean: float
    var: float
    zero_share: float
    max_abs: float
    zero_units: Tensor | None

    @classmethod
    def of(cls, tensor: Tensor, unit_axis: int) -> "Moments":
        """Compute the statistics of a tensor; no view of it is kept, since later layers may write over it."""
        values = tensor.detach().flatten().double()
        var, mean = torch.var_mean(values, correction=0)
        is_zero = tensor.detach() == 0
        row = torch.stack([mean, var, is_zero.double().mean(), values.abs().max()]).tolist()
        units = is_zero.movedim(unit_axis, 0).flatten(1).all(1) if tensor.dim() > 1 else None
        return cls(values.numel(), row[0], row[1], row[2], row[3], units)

    @property
    def std(self) -> float:
        """Return the root of the variance."""
        return math.sqrt(self.var)

    @property
    def zero_unit_share(self) -> float:
        """Return the share of units that are 0 throughout."""
        return math.nan if self.zero_units is None else self.zero_units.double().mean().item()

    @property
    def num_units(self) -> int:
        """Return the length of the units' axis; 0 without one."""
        return 0 if self.zero_units is None else len(self.zero_units)


def pooled(calls: Sequence[Moments]) -> Moments:
    """Return the statistics of several tensors together."""
    if len(calls) == 1:
        return calls[0]
    count = sum(call.count for call in calls)
    mean = math.fsum(call.count * call.mean for call in calls) / count
    zero_share = math.fsum(call.count * call.zero_share for call in calls) / count
    var = math.fsum(call.count * (call.var + (call.mean - mean) ** 2) for call in calls) / count
    largest = max((call.max_abs for call in calls), key=lambda size: (math.isnan(size), size))
    return Moments(count, mean, var, zero_share, largest, _all_zero(calls))


def _all_zero(calls: Sequence[Moments]) -> Tensor | None:
    units = [call.zero_units for call in calls if call.zero_units is not None]
    if len(units) < len(calls) or len({len(each) for each in units}) > 1:
        return None
    return torch.stack(units).all(0)
