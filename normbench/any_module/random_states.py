"""Reads and sets random states: torch's, those that a model's modules hold, and of code of the user's numpy's too."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from normbench.any_module.other_generators import OF_NUMPY, OF_PYTHON, HasState, KeepsState, as_generator

RandomStates = list[tuple[KeepsState, Tensor]]
"""Generators, or what else keeps a state, each with a state."""
TORCHS_OWN = frozenset(vars(nn.Module()))
"""Attributes of every module: parameters, buffers, hooks. Looking through them takes most of the time."""


@contextmanager
def same_random_states_after(model: nn.Module | None = None) -> Iterator[None]:
    """Put torch's random states, and those that a model holds, back after the block, also when it raises."""
    states = random_states(model)
    try:
        yield
    finally:
        set_random_states(states)


def random_states(model: nn.Module | None = None) -> RandomStates:
    """Return all generators that a model's forward pass may draw from, with their states."""
    return states_of(generators(model))


def states_of(chosen: Iterable[KeepsState]) -> RandomStates:
    """Return what keeps a state, such as generators, with its state."""
    return [(generator, generator.get_state()) for generator in chosen]


def set_random_states(states: RandomStates) -> None:
    """Set generators to what ``random_states`` or ``states_of`` returned."""
    for generator, state in states:
        generator.set_state(state)


def generators(model: nn.Module | None = None) -> list[HasState]:
    """Return torch's generators, of the CPU and of the GPU in use, then those that a model may draw from besides.

    These are what its modules hold, and Python's and numpy's own if some module's class is the user's.
    """
    in_use = torch.cuda.is_available() and torch.cuda.is_initialized()
    of_gpu = [torch.cuda.default_generators[torch.cuda.current_device()]] if in_use else []
    others: list[HasState] = (
        [OF_PYTHON, OF_NUMPY] if model is not None and any(map(is_foreign, model.modules())) else []
    )
    return [torch.default_generator, *of_gpu, *others, *held_generators(model)]


def is_foreign(module: nn.Module) -> bool:
    """Return whether a module's class is neither torch's nor normbench's, so that its forward may do anything."""
    return not type(module).__module__.startswith(("torch.", "normbench."))


def held_generators(model: nn.Module | None) -> list[HasState]:
    """Return the generators that are attributes of a model's modules, or lie in such a list, tuple or dict."""
    if model is None:
        return []
    attributes = [v for module in model.modules() for name, v in vars(module).items() if name not in TORCHS_OWN]
    containers = [value for value in attributes if isinstance(value, dict | list | tuple)]
    contents = [inner for container in containers for inner in _values(container)]
    unique = {id(value): value for value in (*attributes, *contents)}
    held = [as_generator(value) for value in unique.values()]
    return [one for one in held if one is not None and one is not torch.default_generator]


class Replaying:
    """Sets what keeps a state to a given one inside a block, and after it to where it stood; may be used again."""

    def __init__(self, states: RandomStates) -> None:
        self._states = states
        self._stood: RandomStates = []

    def __enter__(self) -> None:
        self._stood = states_of(generator for generator, _ in self._states)
        set_random_states(self._states)

    def __exit__(self, *_: object) -> None:
        set_random_states(self._stood)


def _values(container: dict[Any, Any] | list[Any] | tuple[Any, ...]) -> Iterable[Any]:
    return container.values() if isinstance(container, dict) else container
