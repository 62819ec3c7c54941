"""A look at one step: weights, gradients, activations; watching changes nothing."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from normbench.models.base import learned_parameters, weighted_layers


@dataclass(frozen=True)
class Frame:
    """What was seen at one step, before the step was made.

    Attributes:
        step: Updates made so far.
        metrics: Columns of metrics.csv: losses and accuracies.
        weights: Every parameter by name, before the step.
        grads: Gradient of the data loss alone, of the batch about to be learned from.
        activations: Each layer's output, after norm and activation.
        activation_grads: The loss's gradient there.
        updates: What the step then changed; empty at the end, where no step follows.
        curve: One-dimensional regression: (x, prediction) on the grid, each (M,).
        probes: What single layers have to say, by layer and name: mixing weights, gaps of running statistics ...
    """

    step: int
    metrics: Mapping[str, float]
    weights: Mapping[str, Tensor]
    grads: Mapping[str, Tensor]
    activations: Mapping[str, Tensor]
    activation_grads: Mapping[str, Tensor]
    updates: Mapping[str, Tensor] = field(default_factory=dict)
    curve: tuple[Tensor, Tensor] | None = None
    probes: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def tensors(self) -> dict[str, Mapping[str, Tensor]]:
        """Return what is described per layer, by kind."""
        return {
            "weight": self.weights,
            "grad": self.grads,
            "activation": self.activations,
            "activation_grad": self.activation_grads,
            "update": self.updates,
        }


def copies(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return detached copies that the coming step will not change."""
    return {name: tensor.detach().clone() for name, tensor in tensors.items()}


def weights_of(model: nn.Module) -> dict[str, Tensor]:
    """Return copies of all parameters by name."""
    return copies(learned_parameters(model))


def grads_of(model: nn.Module) -> dict[str, Tensor]:
    """Return copies of all gradients by their parameter's name."""
    return copies({name: p.grad for name, p in learned_parameters(model).items() if p.grad is not None})


class ActivationWatch:
    """Collects each layer's output, and the gradient that comes back to it, during one pass of the network.

    A layer that is called several times, as in a recurrent cell, gives all its outputs, one call after the other.
    What is computed again in backward (activation checkpointing) is not collected twice.
    """

    def __init__(self) -> None:
        self._outputs: dict[str, list[Tensor]] = {}
        self._is_over = False

    @property
    def activations(self) -> dict[str, Tensor]:
        """Outputs by layer."""
        return {name: torch.cat([out.detach() for out in outputs]) for name, outputs in self._outputs.items()}

    @property
    def activation_grads(self) -> dict[str, Tensor]:
        """Gradients by layer, after backward."""
        grads = {name: [out.grad for out in outputs if out.grad is not None] for name, outputs in self._outputs.items()}
        return {name: torch.cat(found) for name, found in grads.items() if found}

    def keep(self, name: str) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], None]:
        """Return a forward hook that keeps the output of one layer."""

        def hook(_module: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
            if not self._is_over:
                output.retain_grad()
                self._outputs.setdefault(name, []).append(output)

        return hook

    def stop(self, *_: object) -> None:
        """Collect no more: the network has handed on its outputs."""
        self._is_over = True


@contextmanager
def watching_activations(model: nn.Module) -> Iterator[ActivationWatch]:
    """Watch the weighted layers' outputs inside the block; the hooks are gone after it."""
    watch = ActivationWatch()
    handles = [layer.register_forward_hook(watch.keep(name)) for name, layer in weighted_layers(model).items()]
    handles.append(model.register_forward_hook(watch.stop))
    try:
        yield watch
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def leaving_no_trace(model: nn.Module) -> Iterator[None]:
    """Put buffers, gradients' absence and random states back after the block."""
    buffers = copies(dict(model.named_buffers()))
    with same_random_states_after():
        yield
    for name, buffer in model.named_buffers():
        buffer.copy_(buffers[name])
    model.zero_grad(set_to_none=True)


@contextmanager
def same_random_states_after() -> Iterator[None]:
    """Put torch's random states back after the block."""
    with torch.random.fork_rng(devices=_devices()):
        yield


def random_states() -> list[Tensor]:
    """Return the random states of the CPU and of the GPU in use."""
    return [torch.random.get_rng_state(), *(torch.cuda.get_rng_state(device) for device in _devices())]


def set_random_states(states: list[Tensor]) -> None:
    """Go back to what ``random_states`` returned."""
    torch.random.set_rng_state(states[0])
    for device, state in zip(_devices(), states[1:], strict=True):
        torch.cuda.set_rng_state(state, device)


def _devices() -> list[int]:
    return [torch.cuda.current_device()] if torch.cuda.is_available() and torch.cuda.is_initialized() else []
