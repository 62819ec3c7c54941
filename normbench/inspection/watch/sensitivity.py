"""Measures how much the output of each layer differs between samples, and from that for another input."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from normbench.any_module.tensors import dense
from normbench.inspection.watch.moments import Moments
from normbench.inspection.watch.watch import Call
from normbench.random_streams import stream

ROUNDINGS = 16
"""Changes of so many roundings of the dtype are no change: what cancels, such as x - mean of one value, leaves them."""
LARGEST_ROUNDING = 1e-5
"""In bfloat16 16 roundings are an eighth of a number, which may well be what tells samples apart."""


@dataclass(frozen=True)
class Fingerprint:
    """Holds what is needed to compare two tensors without keeping them.

    Attributes:
        projection: The product with a fixed random vector of values from -1 to 1.
        length: The l2 norm.
        spread: Distance of all rows, along the first axis, from the first one; 0 where they are all alike.
        num_rows: Length of that axis.
        rounding: The relative change that rounding may make.
    """

    projection: float
    length: float
    spread: float
    num_rows: int
    rounding: float

    @classmethod
    def of(cls, tensor: Tensor, _unit_axis: int = 0) -> "Fingerprint":
        """Compute the fingerprint of a floating-point or complex tensor."""
        values = dense(tensor)
        rounding = min(ROUNDINGS * torch.finfo(values.dtype).eps, LARGEST_ROUNDING)
        values = (torch.view_as_real(values.resolve_conj()) if values.is_complex() else values).flatten().double()
        num_rows = len(tensor) if tensor.dim() > 1 else 1
        rows, vector = values.view(num_rows, -1), _vector(values.numel()).to(values)
        found = [values.dot(vector), torch.linalg.vector_norm(values), torch.linalg.vector_norm(rows - rows[:1])]
        projection, length, spread = torch.stack(found).tolist()
        return cls(projection, length, spread, num_rows, rounding)

    def change(self, other: "Fingerprint", num_samples: int) -> float:
        """Return how different a tensor is for another input, or between samples if that is less; 0 within rounding.

        Args:
            other: The fingerprint for another input.
            num_samples: Samples of the batch; only rows of this number are taken for samples.

        Returns:
            A distance relative to the tensor's length.
        """
        length = max(self.length, other.length)
        distances = [abs(self.projection - other.projection)]
        if self.num_rows == num_samples > 1:
            distances.append(self.spread)
        return 0.0 if min(distances) <= self.rounding * length else min(distances) / length


@lru_cache(maxsize=4)  # layers that follow each other often have the same size
def _vector(size: int) -> Tensor:
    return torch.empty(size).uniform_(-1, 1, generator=stream(0, "fingerprint"))


def another(tensor: Tensor, number: int = 0) -> Tensor:
    """Return another input like this one: samples in another order, sizes changed by up to half; signs and zeros stay.

    Whole numbers, such as words, are replaced by others of the same sample, and samples change places; a row of them,
    such as lengths, changes places alone. Truth values, as in masks, and sparse tensors, as of graphs, stay.

    Args:
        tensor: One input.
        number: Of several other inputs, which. From the second on all numbers of the batch change places.
    """
    if tensor.dtype == torch.bool or tensor.dim() == 0 or tensor.layout != torch.strided or not tensor.numel():
        return tensor
    rolled, generator = tensor.roll(1, 0), stream(number, "another input")
    if tensor.is_floating_point() or tensor.is_complex():
        if number:
            order = torch.randperm(tensor.numel(), generator=generator).to(tensor.device)
            rolled = tensor.flatten()[order].view(tensor.shape)
        factors = torch.empty(tensor.shape).uniform_(0.5, 1.5, generator=generator)
        return rolled * factors.to(device=tensor.device, dtype=rolled.real.dtype)
    if tensor.dim() == 1:
        return rolled
    chosen = torch.randint(tensor.shape[-1], tensor.shape, generator=generator)
    return rolled.gather(-1, chosen.to(tensor.device))


Changes = Mapping[str, tuple[float, float]]
"""By layer: the largest change of what came in, and of what it put out, over its calls."""


def changes(
    calls: Sequence[Call[Moments]],
    first: Sequence[Call[Fingerprint]],
    second: Sequence[Call[Fingerprint]],
    num_samples: int,
) -> Changes:
    """Compare two passes layer by layer; empty where they called different layers.

    Args:
        calls: The calls of the first pass, with what came back to each tensor; only those that feed the loss count.
        first: The same calls.
        second: Those of a pass with another input.
        num_samples: Samples of the batch.
    """
    if [call.name for call in first] != [call.name for call in second] or len(calls) != len(first):
        return {}
    found: dict[str, tuple[float, float]] = {}
    for call, one, other in zip(calls, first, second, strict=True):
        came_in = _largest_change(one.inputs, other.inputs, num_samples)
        counts = [any(part is counted for counted in call.counted) for part in call.parts]
        put_out = _largest_change(_chosen(one, counts), _chosen(other, counts), num_samples)
        before = found.get(one.name, (0.0, 0.0))
        found[one.name] = max(before[0], came_in), max(before[1], put_out)
    return found


def _chosen(call: Call[Fingerprint], counts: Sequence[bool]) -> list[Fingerprint]:
    return [part.output for part, counted in zip(call.parts, counts, strict=False) if counted]


def _largest_change(first: Sequence[Fingerprint], second: Sequence[Fingerprint], num_samples: int) -> float:
    return max((one.change(other, num_samples) for one, other in zip(first, second, strict=False)), default=0.0)
