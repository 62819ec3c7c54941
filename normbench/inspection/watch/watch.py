"""Watches the layers of any module during one pass: keeps their outputs, and the gradients that come back to them."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from weakref import ReferenceType, ref

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from normbench.inspection.watch.layers import WatchedLayer, watched_layers
from normbench.inspection.watch.tensors import first_floating, is_finite

Kept = TypeVar("Kept")
Keep = Callable[[Tensor, int], Kept]
"""Takes a tensor and its axis of channels or features, and returns what is kept of it."""
Hook = Callable[[nn.Module, tuple[Any, ...], Any], None]


def whole(tensor: Tensor, _unit_axis: int) -> Tensor:
    """Return a copy, since later layers may write over the tensor."""
    return tensor.detach().clone()


@dataclass
class Call(Generic[Kept]):
    """One call of a layer.

    Attributes:
        layer: Which.
        name: Its name; an activation that is called again also has the number of the call.
        after: The layer with weights that was last called before, or this one.
        output: What is kept of what it put out.
        input_finite: All that came in is finite; None where inputs are not looked at.
        takes_it_over: What came in is what the layer called before put out.
        grad: What is kept of the gradient at the output; None where none comes back.
    """

    layer: WatchedLayer
    name: str
    after: str
    output: Kept
    input_finite: bool | None
    takes_it_over: bool
    grad: Kept | None = None


class Watch(Generic[Kept]):
    """Collects the calls of layers during one pass forward and backward.

    A tensor hook sees the gradient of the output as it was put out, also where an in-place activation then writes over
    it. What is computed again in backward (activation checkpointing) is not collected twice.

    Args:
        keep: What is kept of outputs and gradients: ``whole`` tensors, or ``Moments.of`` them.
        look_at_inputs: Note whether what comes in is finite.
    """

    def __init__(self, keep: Keep[Kept], *, look_at_inputs: bool = False) -> None:
        self.calls: list[Call[Kept]] = []
        self.handles: list[RemovableHandle] = []
        self._keep, self._look_at_inputs = keep, look_at_inputs
        self._axis = 1
        self._after = ""
        self._is_over = False
        self._last: ReferenceType[Tensor] | None = None

    def hook(self, layer: WatchedLayer) -> Hook:
        """Return a forward hook that keeps one layer's output, and the gradient when it comes back."""

        def keep_call(_module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
            tensor = first_floating(output)
            if self._is_over or tensor is None or not tensor.numel():
                return
            self._axis = layer.unit_axis(tensor) or self._axis  # an activation keeps the axis of what came before
            axis = min(self._axis, tensor.dim() - 1)
            call = self._add_call(layer, self._keep(tensor, axis), inputs)
            self._last = ref(tensor)
            if tensor.requires_grad:
                self.handles.append(tensor.register_hook(self._grad_hook(call, axis)))

        return keep_call

    def stop(self, *_: object) -> None:
        """Collect no more calls: the network has put out its output. A forward hook of the whole network."""
        self._is_over = True

    def _add_call(self, layer: WatchedLayer, output: Kept, inputs: tuple[Any, ...]) -> Call[Kept]:
        if layer.role == "weights":
            self._after = layer.name
        came_in = first_floating(inputs)
        input_finite = is_finite(came_in) if self._look_at_inputs else None
        takes_it_over = self._last is not None and came_in is self._last()
        call = Call(layer, self._name_of_call(layer), self._after, output, input_finite, takes_it_over)
        self.calls.append(call)
        return call

    def _name_of_call(self, layer: WatchedLayer) -> str:
        before = sum(call.layer is layer for call in self.calls) if layer.role == "activation" else 0
        return f"{layer.name}#{before + 1}" if before else layer.name

    def _grad_hook(self, call: Call[Kept], axis: int) -> Callable[[Tensor], None]:
        def keep_grad(grad: Tensor) -> None:
            call.grad = self._keep(grad, axis)

        return keep_grad


@contextmanager
def watching(model: nn.Module, keep: Keep[Kept], *, look_at_inputs: bool = False) -> Iterator[Watch[Kept]]:
    """Watch the layers of a model inside the block; the hooks are gone after it.

    Args:
        model: Any module; ``watched_layers`` says which modules inside it are its layers.
        keep: What is kept of outputs and gradients: ``whole`` tensors, or ``Moments.of`` them.
        look_at_inputs: Note whether what comes into each layer is finite.
    """
    watch = Watch(keep, look_at_inputs=look_at_inputs)
    watch.handles += [layer.module.register_forward_hook(watch.hook(layer)) for layer in watched_layers(model)]
    watch.handles.append(model.register_forward_hook(watch.stop))
    try:
        yield watch
    finally:
        for handle in watch.handles:  # those on tensors, too: an output may be a parameter, or be kept by the model
            handle.remove()


def outputs_by_layer(calls: Sequence[Call[Tensor]]) -> dict[str, Tensor]:
    """Return each layer's output; of a layer called several times, as in a recurrent cell, all of them in a row."""
    return _joined((call.name, call.output) for call in calls)


def grads_by_layer(calls: Sequence[Call[Tensor]]) -> dict[str, Tensor]:
    """Return the gradient at each layer's output, after backward; of several calls all of them in a row."""
    return _joined((call.name, call.grad) for call in calls if call.grad is not None)


def _joined(named: Iterator[tuple[str, Tensor]]) -> dict[str, Tensor]:
    tensors: dict[str, list[Tensor]] = {}
    for name, tensor in named:
        tensors.setdefault(name, []).append(tensor)
    return {name: found[0] if len(found) == 1 else torch.cat(found) for name, found in tensors.items()}
