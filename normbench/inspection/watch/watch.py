"""Watches the layers of any module during one pass: keeps their outputs, and the gradients that come back to them."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from weakref import ReferenceType, ref

import torch
from torch import Tensor, nn
from torch.autograd.graph import Node
from torch.utils.hooks import RemovableHandle

from normbench.any_module.tensors import holds_nan, is_finite, is_inside_transform, named_tensors
from normbench.inspection.watch.last_states import read_from_outputs
from normbench.inspection.watch.layers import WatchedLayer, watched_layers

Kept = TypeVar("Kept")
Keep = Callable[[Tensor, int], Kept]
"""Takes a tensor and its axis of channels or features, and returns what is kept of it."""
Hook = Callable[[nn.Module, tuple[Any, ...], dict[str, Any], Any], Any]


def whole(tensor: Tensor, _unit_axis: int) -> Tensor:
    """Return a copy, since later layers may write over the tensor."""
    return tensor.detach().clone()


@dataclass
class Part(Generic[Kept]):
    """One tensor of what a layer put out.

    Attributes:
        output: What is kept of it.
        node: Where it stands in autograd's graph; None where it needs no gradient.
        grad: What is kept of the gradient that comes back to it; None where none does.
        is_reached: That gradient is not 0 throughout; of a part alone in its call that is not looked at.
    """

    output: Kept
    node: Node | None
    grad: Kept | None = None
    is_reached: bool = False


@dataclass
class Call(Generic[Kept]):
    """One call of a layer.

    Attributes:
        layer: Which.
        name: Its name; an activation that is called again also has the number of the call.
        after: The layer with weights that was last called before, or this one.
        parts: The tensors that it put out: one, or those of a tuple or dict.
        inputs: What is kept of the tensors that came in; empty where inputs are not looked at.
        input_finite: What came in is finite, but for infinities in a mask; None where inputs are not looked at.
        takes_it_over: What came in is what the layer called before put out.
    """

    layer: WatchedLayer
    name: str
    after: str
    parts: list[Part[Kept]]
    inputs: list[Kept] = field(default_factory=list)
    input_finite: bool | None = None
    takes_it_over: bool = False

    @property
    def counted(self) -> list[Part[Kept]]:
        """The parts that feed the loss, so that a gradient comes back to them; all parts where none comes to any."""
        with_grad = [part for part in self.parts if part.grad is not None]
        return [part for part in with_grad if part.is_reached] or with_grad or self.parts

    @property
    def outputs(self) -> list[Kept]:
        """What is kept of the parts that count."""
        return [part.output for part in self.counted]

    @property
    def grads(self) -> list[Kept]:
        """What is kept of the gradients that came back to them."""
        return [part.grad for part in self.counted if part.grad is not None]


class Watch(Generic[Kept]):
    """Collects the calls of layers during one pass forward and backward.

    A tensor hook sees the gradient of the output as it was put out, also where an in-place activation then writes over
    it. What is computed again in backward (activation checkpointing) is not collected twice.

    Args:
        keep: What is kept of outputs and gradients: ``whole`` tensors, or ``Moments.of`` them.
    """

    def __init__(self, keep: Keep[Kept]) -> None:
        self.calls: list[Call[Kept]] = []
        self.handles: list[RemovableHandle] = []
        self._keep = keep
        self._axis = 1
        self._after = ""
        self._num_open = 0
        self._is_over = False
        self._num_calls: Counter[str] = Counter()
        self._last: list[tuple[ReferenceType[Tensor], int, Kept]] = []
        """What the layer before put out, with the number of times that it had been written to."""
        self._inputs: tuple[list[Kept], bool] | None = None

    def look_at(self, _module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Keep what comes into a layer: a forward pre-hook, since an in-place layer writes over it."""
        if self._is_over or is_inside_transform():
            return
        came_in = [tensor for tensor in named_tensors((args, kwargs)).values() if tensor.numel()]
        # Masks, which stand behind what is masked, hold -inf on purpose.
        finite = is_finite(*came_in[:1]) and not any(holds_nan(tensor) for tensor in came_in[1:])
        self._inputs = [self._kept(tensor) for tensor in came_in], finite

    def _kept(self, tensor: Tensor) -> Kept:
        """Return what is kept of a tensor that comes in; of what the layer before put out that is kept already."""
        known = (kept for last, version, kept in self._last if last() is tensor and _writes_to(tensor) == version)
        found = next(known, None)
        return self._keep(tensor, 0) if found is None else found

    def hook(self, layer: WatchedLayer) -> Hook:
        """Return a forward hook that keeps one layer's output, and the gradient when it comes back."""

        def keep_call(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> Any:
            if self._is_over or is_inside_transform():
                return None
            output, put_out = read_from_outputs(module, output)
            tensors = [tensor for tensor in put_out if tensor.numel()]
            if tensors:
                self._add_call(layer, tensors, list(named_tensors((args, kwargs)).values()))
            return output

        return keep_call

    def open(self, *_: object) -> None:
        """Note that the network was called, perhaps by itself: a forward pre-hook of the whole network."""
        self._num_open += 1

    def stop(self, *_: object) -> None:
        """Collect no more calls once the network has put out its output: a forward hook of the whole network."""
        self._num_open -= 1
        self._is_over = not self._num_open

    def _add_call(self, layer: WatchedLayer, tensors: Sequence[Tensor], inputs: Sequence[Tensor]) -> None:
        if layer.role == "weights":
            self._after = layer.name
        self._axis = layer.unit_axis(tensors[0]) or self._axis  # an activation keeps the axis of what came before
        call = Call(
            layer,
            self._name_of_call(layer),
            self._after,
            [self._part(tensor, is_alone=len(tensors) == 1) for tensor in tensors],
        )
        call.takes_it_over = any(inputs[0] is last() for last, _, _ in self._last) if inputs else False
        if self._inputs is not None:
            call.inputs, call.input_finite = self._inputs
        self._last = [(ref(t), _writes_to(t), part.output) for t, part in zip(tensors, call.parts, strict=True)]
        self.calls.append(call)

    def _part(self, tensor: Tensor, *, is_alone: bool) -> Part[Kept]:
        axis = min(self._axis, tensor.dim() - 1)
        part = Part(self._keep(tensor, axis), tensor.grad_fn)

        def keep_grad(grad: Tensor | None) -> None:  # None: the loss uses another output of the same node alone
            if grad is not None and self._is_over:  # before, it is a gradient that the network takes itself
                part.grad, part.is_reached = self._keep(grad, axis), is_alone or bool(grad.any())

        if tensor.requires_grad:
            self.handles.append(tensor.register_hook(keep_grad))
        return part

    def _name_of_call(self, layer: WatchedLayer) -> str:
        self._num_calls[layer.name] += layer.role == "activation"
        number = self._num_calls[layer.name]
        return f"{layer.name}#{number}" if number > 1 else layer.name


def _writes_to(tensor: Tensor) -> int:
    """Return how often a tensor was written to; one made in inference mode does not count it, and stays as it is."""
    return 0 if tensor.is_inference() else tensor._version  # noqa: SLF001 - torch has no public name for it


@contextmanager
def watching(model: nn.Module, keep: Keep[Kept], *, look_at_inputs: bool = False) -> Iterator[Watch[Kept]]:
    """Watch the layers of a model inside the block; the hooks are gone after it.

    Args:
        model: Any module; ``watched_layers`` says which modules inside it are its layers.
        keep: What is kept of outputs and gradients: ``whole`` tensors, or ``Moments.of`` them.
        look_at_inputs: Keep the same of what comes into each layer, and note whether it is finite.
    """
    watch = Watch(keep)
    for layer in watched_layers(model):
        if look_at_inputs:
            watch.handles.append(layer.module.register_forward_pre_hook(watch.look_at, with_kwargs=True))
        watch.handles.append(layer.module.register_forward_hook(watch.hook(layer), with_kwargs=True))
    watch.handles.append(model.register_forward_pre_hook(watch.open))
    watch.handles.append(model.register_forward_hook(watch.stop))
    try:
        yield watch
    finally:
        for handle in watch.handles:  # those on tensors, too: an output may be a parameter, or be kept by the model
            handle.remove()


def outputs_by_layer(calls: Sequence[Call[Tensor]]) -> dict[str, Tensor]:
    """Return each layer's output; of a layer called several times, as in a recurrent cell, all of them in a row."""
    return _joined((call.name, output) for call in calls for output in call.outputs)


def grads_by_layer(calls: Sequence[Call[Tensor]]) -> dict[str, Tensor]:
    """Return the gradient at each layer's output, after backward; of several calls all of them in a row."""
    return _joined((call.name, grad) for call in calls for grad in call.grads)


def _joined(named: Iterator[tuple[str, Tensor]]) -> dict[str, Tensor]:
    tensors: dict[str, list[Tensor]] = {}
    for name, tensor in named:
        tensors.setdefault(name, []).append(tensor)
    return {name: found[0] if len(found) == 1 else _in_a_row(found) for name, found in tensors.items()}


def _in_a_row(tensors: Sequence[Tensor]) -> Tensor:
    """Join tensors along their first axis; of other shapes beyond it, and of lone numbers, all numbers in a row."""
    first = tensors[0]
    fits = first.dim() > 0 and all(one.shape[1:] == first.shape[1:] and one.dim() for one in tensors)
    return torch.cat(list(tensors) if fits else [one.flatten() for one in tensors])
