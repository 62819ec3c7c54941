"""Notes what the norms of a network see of a batch: calls, shapes, the axis of the batch; and norms of no module."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from normbench.any_module.model_input import ModelInput
from normbench.norm_swap.kinds import Traits, has_own_forward, kind_by_class, may_be_norm, traits_by_class
from normbench.norm_swap.passes import backward, forward, undisturbed
from normbench.norm_swap.places import NormPlace
from normbench.norm_swap.recognition import recognized
from normbench.norm_swap.recorder import Frame, NormOperation, Recorder

Shape = tuple[int, ...]
SAME = 1e-4
"""Largest share of a tensor's largest value by which two passes may differ in rounding."""


@dataclass
class Seen:
    """What the passes show of one module that may be a norm.

    Attributes:
        module: The module.
        calls: Number of calls in a forward pass in training.
        calls_in_backward: Number of calls in which activation checkpointing computes forward again.
        calls_in_eval: Number of calls in evaluation.
        shapes: Shapes of its inputs, each once, in order.
        device: Where its input lies.
        dtype: Number format of its input.
        keyword: The name by which it is given its input; "" where by position.
        traits: What it is; None where that is not known.
        activations: Activation functions that its own forward ran.
        batch_axis: The axis of the batch in its input; None where no axis follows the order of the samples.
        is_changed_in_place: Whether something writes into what it put out.
    """

    module: nn.Module
    calls: int = 0
    calls_in_backward: int = 0
    calls_in_eval: int = 0
    shapes: list[Shape] = field(default_factory=list)
    device: torch.device | None = None
    dtype: torch.dtype = torch.float32
    keyword: str = ""
    traits: Traits | None = None
    activations: tuple[str, ...] = ()
    batch_axis: int | None = None
    is_changed_in_place: bool = False

    @property
    def is_called(self) -> bool:
        """Return whether any pass calls it."""
        return bool(self.calls or self.calls_in_backward or self.calls_in_eval)


@dataclass
class Trace:
    """What a batch shows of a network.

    Attributes:
        norms: All modules that may be norms: those registered, and those called without being so.
        operations: The norms that were computed forward in training, by whom ever.
        on_weights: Those of them whose input no sample changes, as in weight standardization.
        activations: How many activation functions each module's own forward ran, forward in training.
        with_gradient: The parameters that the backward pass reached.
        num_samples: Samples in the batch.
    """

    norms: dict[nn.Module, Seen]
    operations: list[NormOperation] = field(default_factory=list)
    on_weights: list[NormOperation] = field(default_factory=list)
    activations: Counter[nn.Module | None] = field(default_factory=Counter)
    with_gradient: set[nn.Parameter] = field(default_factory=set)
    num_samples: int = 1


def trace(network: nn.Module, given: ModelInput) -> Trace:
    """Send a batch through a network, which is afterwards as it was, random states too.

    There are three passes: forward and backward in training; then forward in evaluation, with the samples as they are
    and with each moved to the next one's place, which shows where each norm has the batch.

    Raises:
        SettingError: The network does not take the batch.
    """
    found = Trace({module: Seen(module) for module in network.modules() if _is_watched(module)})
    found.num_samples = given.num_samples
    with undisturbed(network):
        _see_training(network, given, found)
        _see_evaluation(network, given, found)
    return found


def _see_training(network: nn.Module, given: ModelInput, found: Trace) -> None:
    outputs: list[tuple[Seen, Tensor, int]] = []
    goes_back = False

    def see(frame: Frame) -> None:
        seen = found.norms.setdefault(frame.module, Seen(frame.module))
        _note_call(seen, frame)
        seen.calls, seen.calls_in_backward = seen.calls + (not goes_back), seen.calls_in_backward + goes_back
        if isinstance(frame.output, Tensor):
            outputs.append((seen, frame.output, frame.output._version))  # noqa: SLF001 - counts what is written into it

    with Recorder(_is_watched, see, looked_into=_needs_a_look) as recorder:
        output = forward(network, given, recorder, training=True)
        for seen, tensor, version in outputs:
            seen.is_changed_in_place |= tensor._version != version  # noqa: SLF001
        found.operations, found.activations = list(recorder.operations), Counter(recorder.activations)
        goes_back = True
        backward(network, output, recorder)
    found.with_gradient = {parameter for parameter in network.parameters() if parameter.grad is not None}


def _is_watched(module: nn.Module) -> bool:
    return isinstance(module, NormPlace) or may_be_norm(module)


def _needs_a_look(module: nn.Module) -> bool:
    if isinstance(module, NormPlace):
        return False
    return may_be_norm(module) and (not kind_by_class(module) or has_own_forward(module))


def _note_call(seen: Seen, frame: Frame) -> None:
    """Note the shape of what a norm gets, and at its first call what it is."""
    if frame.x is None:
        return
    if not seen.shapes:
        seen.device, seen.dtype, seen.activations = frame.x.device, frame.x.dtype, tuple(frame.activations)
        seen.keyword = frame.keyword
        seen.traits = _traits(frame, frame.x)
    if tuple(frame.x.shape) not in seen.shapes:
        seen.shapes.append(tuple(frame.x.shape))


def _traits(frame: Frame, x: Tensor) -> Traits | None:
    if isinstance(frame.module, NormPlace):
        return frame.module.traits(tuple(x.shape))
    return recognized(frame) if _needs_a_look(frame.module) else traits_by_class(frame.module)


def _see_evaluation(network: nn.Module, given: ModelInput, found: Trace) -> None:
    straight: dict[nn.Module, Tensor] = {}

    def see(frame: Frame) -> None:
        seen = found.norms.setdefault(frame.module, Seen(frame.module))
        _note_call(seen, frame)
        seen.calls_in_eval += 1
        if frame.x is not None:
            straight.setdefault(frame.module, frame.x.detach().clone())

    def compare(frame: Frame) -> None:
        before = straight.pop(frame.module, None)
        if before is not None and frame.x is not None:
            found.norms[frame.module].batch_axis = _batch_axis(before, frame.x, given.num_samples)

    unturned = _operations_in_evaluation(network, given, see, looked_into=_needs_a_look)
    turned = _operations_in_evaluation(network, given.changed(lambda x: _turn(x, given.num_samples)), compare)
    fixed = set(map(_key, unturned)) & set(map(_key, turned)) if not given.is_same_in_all_samples() else set()
    places = {key[:-1] for key in fixed if given.num_samples > 1}
    found.on_weights = [one for one in found.operations if _key(one)[:-1] in places]


def _operations_in_evaluation(
    network: nn.Module, given: ModelInput, see: Any, looked_into: Any = lambda _: False
) -> list[NormOperation]:
    with Recorder(_is_watched, see, looked_into=looked_into) as recorder:
        forward(network, given, recorder, training=False)
    return recorder.operations


def _key(operation: NormOperation) -> tuple[Any, ...]:
    return operation.name, operation.stack[-1:], operation.shape, operation.fingerprint


def _turn(x: Tensor, num_samples: int) -> Tensor:
    return x.roll(1, 0) if x.dim() and len(x) == num_samples else x


def _batch_axis(straight: Tensor, turned: Tensor, num_samples: int) -> int | None:
    """Return the axis along which a tensor has turned with the samples, of which each may have several rows there."""
    if straight.shape != turned.shape:
        return None
    for axis, size in enumerate(straight.shape):
        if size and size % num_samples == 0 and _is_same(straight.roll(size // num_samples, axis), turned):
            return axis
    return None


def _is_same(one: Tensor, other: Tensor) -> bool:
    if not one.numel() or not one.is_floating_point():
        return torch.equal(one, other)
    largest = torch.maximum(one.abs().max(), other.abs().max())
    return bool((one - other).abs().max() <= SAME * largest)
