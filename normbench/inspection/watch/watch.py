"""Looks at every layer's output, and at the gradient that comes back to it, in the moment they are there."""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from weakref import ReferenceType, ref

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from normbench.inspection.watch.layers import WatchedLayer, first_floating, is_finite, watched_layers


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
        """Compute them; nothing of the tensor is kept, since what follows may write over it."""
        values = tensor.detach().flatten().double()
        var, mean = torch.var_mean(values, correction=0)
        is_zero = tensor.detach() == 0
        row = torch.stack([mean, var, is_zero.double().mean(), values.abs().max()]).tolist()
        units = is_zero.movedim(unit_axis, 0).flatten(1).all(1) if tensor.dim() > 1 else None
        return cls(values.numel(), row[0], row[1], row[2], row[3], units)

    @property
    def std(self) -> float:
        """Root of the variance."""
        return math.sqrt(self.var)

    @property
    def zero_unit_share(self) -> float:
        """Share of units that are 0 throughout."""
        return math.nan if self.zero_units is None else self.zero_units.double().mean().item()

    @property
    def num_units(self) -> int:
        """Length of the units' axis; 0 without one."""
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


@dataclass
class Call:
    """One call of a layer.

    Attributes:
        layer: Which.
        name: Its name; an activation that is called again also has the number of the call.
        after: The layer with weights that was last called before, or this one.
        output: Statistics of what it put out.
        input_finite: All that came in is finite.
        takes_it_over: What came in is what the layer called before put out.
        grad: Statistics of the gradient at the output; None where none comes back.
    """

    layer: WatchedLayer
    name: str
    after: str
    output: Moments
    input_finite: bool
    takes_it_over: bool
    grad: Moments | None = None

    def take_grad(self, grad: Moments) -> None:
        """Keep what is known of the gradient; a tensor hook."""
        self.grad = grad


class SignalWatch:
    """Collects the calls of layers during one pass forward and backward.

    A tensor hook sees the gradient of the output as it was put out, also where an in-place activation then writes over
    it. What is computed again in backward (activation checkpointing) is not collected twice.
    """

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.handles: list[RemovableHandle] = []
        self._axis = 1
        self._after = ""
        self._is_over = False
        self._last: ReferenceType[Tensor] | None = None

    def keep(self, layer: WatchedLayer) -> Callable[[nn.Module, tuple[Any, ...], Any], None]:
        """Return a forward hook that looks at one layer's output."""

        def hook(_module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
            tensor = first_floating(output)
            if self._is_over or tensor is None or not tensor.numel():
                return
            self._axis = layer.unit_axis(tensor) or self._axis  # an activation keeps the axis of what came before
            axis = min(self._axis, tensor.dim() - 1)
            call = self._note(layer, Moments.of(tensor, axis), inputs)
            self._last = ref(tensor)
            if tensor.requires_grad:
                self.handles.append(tensor.register_hook(lambda grad: call.take_grad(Moments.of(grad, axis))))

        return hook

    def stop(self, *_: object) -> None:
        """Collect no more: the network has handed on its outputs."""
        self._is_over = True

    def _note(self, layer: WatchedLayer, output: Moments, inputs: tuple[Any, ...]) -> Call:
        if layer.role == "weights":
            self._after = layer.name
        before = sum(call.layer is layer for call in self.calls)
        name = f"{layer.name}#{before + 1}" if layer.role == "activation" and before else layer.name
        came_in = first_floating(inputs)
        takes_it_over = self._last is not None and came_in is self._last()
        call = Call(layer, name, self._after, output, is_finite(came_in), takes_it_over)
        self.calls.append(call)
        return call


@contextmanager
def watching_signal(model: nn.Module) -> Iterator[SignalWatch]:
    """Look at the layers of a model inside the block; the hooks are gone after it."""
    watch = SignalWatch()
    watch.handles += [layer.module.register_forward_hook(watch.keep(layer)) for layer in watched_layers(model)]
    watch.handles.append(model.register_forward_hook(watch.stop))
    try:
        yield watch
    finally:
        for handle in watch.handles:  # those on tensors, too: an output may be a parameter, or be kept by the model
            handle.remove()
