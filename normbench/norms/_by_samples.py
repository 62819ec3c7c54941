"""Computes a norm and its gradients a few samples at a time, so that the tensors between fit the processor's cache."""

from collections.abc import Iterator
from typing import Any, Protocol

import torch
from torch import Tensor

VALUES_AT_ONCE = 2**17
"""Values of the samples that are computed at once: several tensors of this size fit a core's cache."""


class SampleFunction(Protocol):
    """Describes a function of each sample, and its gradients, both in operations that torch can derive.

    The arguments are x, (N, C, L), then the parameters, (C, 1), or (1, 1) where all channels share one.
    """

    def __call__(self, *args: Any, **kwargs: Any) -> Tensor:
        """Return the output, (N, C, L)."""

    def gradients(self, *args: Any, **kwargs: Any) -> tuple[Tensor, ...]:
        """Return the gradients for x and each parameter, from that for the output, which goes before x."""


def by_samples(function: SampleFunction, x: Tensor, *parameters: Tensor) -> Tensor:
    """Return the function of x, (N, C, *) with one value or more, and of parameters (C,) or (1,).

    Only x and the parameters are kept for going back; all else is computed again.
    """
    output: Tensor = _BySamples.apply(function, x, *parameters)  # type: ignore[no-untyped-call]
    return output


class _BySamples(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(function: SampleFunction, x: Tensor, *parameters: Tensor) -> Tensor:
        columns = [parameter.unsqueeze(1) for parameter in parameters]
        maps = _maps(x)
        output = _joined((function(part, *columns) for part in _parts(maps)), len(x))
        # Into a view that a function has made nothing may be written, as a ReLU in place does.
        shaped: Tensor = torch.ops.aten._unsafe_view(output, x.shape)  # noqa: SLF001
        return shaped

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:  # noqa: ARG004 - torch's signature
        ctx.function, *tensors = inputs
        ctx.save_for_backward(*tensors)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        x, *parameters = ctx.saved_tensors
        columns = [parameter.unsqueeze(1) for parameter in parameters]
        maps, grad = _maps(x), _maps(grads[0])
        of_parameters: list[tuple[Tensor, ...]] = []

        def of_x(grad: Tensor, part: Tensor) -> Tensor:
            gradients: tuple[Tensor, ...] = ctx.function.gradients(grad, part, *columns)
            of_parameters.append(gradients[1:])
            return gradients[0]

        # A second derivative may follow: then all samples are one part, as what is written into is not derived.
        pairs = [(grad, maps)] if torch.is_grad_enabled() else zip(_parts(grad), _parts(maps), strict=True)
        own = _joined((of_x(*pair) for pair in pairs), len(x)).view(x.shape)
        return None, own, *(sum(parts[1:], parts[0]).squeeze(1) for parts in zip(*of_parameters, strict=True))


def _maps(x: Tensor) -> Tensor:
    """Return (N, C, *) as (N, C, L)."""
    return x.contiguous().view(*x.shape[:2], -1)


def _parts(maps: Tensor) -> tuple[Tensor, ...]:
    parts: tuple[Tensor, ...] = maps.split(max(1, VALUES_AT_ONCE // maps[0].numel()))
    return parts


def _joined(parts: Iterator[Tensor], num_samples: int) -> Tensor:
    """Return parts one after the other, each written where it belongs as soon as it is there."""
    first = next(parts)
    if len(first) == num_samples:
        return first
    joined, place = first.new_empty(num_samples, *first.shape[1:]), len(first)
    joined[:place] = first
    for part in parts:
        joined[place : place + len(part)] = part
        place += len(part)
    return joined
