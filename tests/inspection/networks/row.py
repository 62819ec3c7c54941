"""Healthy and Sick: a network, the inputs it is called with, and what is true of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

Inputs = Tensor | tuple[Any, ...] | Mapping[str, Any]
"""One tensor, several arguments in their order, or arguments by name."""


@dataclass(frozen=True)
class Healthy:
    """A network of which nothing is to be warned.

    Attributes:
        build: Makes the network; its weights are drawn from torch's global generator.
        inputs: Makes one batch from a seed.
        why: Why nothing is wrong, although something in it may look so.
        without_gradient: Names of learned parameters whose gradient is exactly 0 before the first step, by design or
            by the weights of seed 0; or patterns such as ``experts.3.*``.
        notes: Names of what is to be noted of it; nothing else is.
        alike: Why one of its outputs is the same for every sample; empty where all of them differ.
        infinite: Why something inside is not finite; empty where all of it is.
    """

    build: Callable[[], nn.Module]
    inputs: Callable[[int], Inputs]
    why: str
    without_gradient: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    alike: str = ""
    infinite: str = ""


@dataclass(frozen=True)
class Sick:
    """A network with one fault.

    Attributes:
        build: Makes the network; its weights are drawn from torch's global generator.
        inputs: Makes one batch from a seed.
        why: What is wrong.
        source: The fault's name, or several that are equally true, divided by ``|``.
        layer: The layer that has to be named first, as in ``named_modules``; empty where no single one is to blame.
        words: Patterns, each of which has to occur in what is said of the fault, in small letters.
        also: Names of further faults that are true of this network, and may be told too.
    """

    build: Callable[[], nn.Module]
    inputs: Callable[[int], Inputs]
    why: str
    source: str
    layer: str = ""
    words: tuple[str, ...] = ()
    also: tuple[str, ...] = ()


Row = Healthy | Sick


def made(row: Row, seed: int = 0) -> tuple[nn.Module, Inputs]:
    """Return the network of a row, its weights drawn from this seed, and its inputs."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return row.build(), row.inputs(seed)


def called(model: nn.Module, inputs: Inputs) -> Any:
    """Call a network with its inputs."""
    if isinstance(inputs, Mapping):
        return model(**inputs)
    return model(*inputs) if isinstance(inputs, tuple) else model(inputs)


def normal(*shape: int) -> Callable[[int], Tensor]:
    """Return a function that draws N(0, 1) of this shape from a seed."""
    return lambda seed: torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def ids(high: int, *shape: int) -> Callable[[int], Tensor]:
    """Return a function that draws whole numbers below ``high`` from a seed."""
    return lambda seed: torch.randint(high, shape, generator=torch.Generator().manual_seed(seed))


def several(*draws: Callable[[int], Tensor]) -> Callable[[int], tuple[Tensor, ...]]:
    """Return a function that draws one input after the other, each from a seed of its own."""
    return lambda seed: tuple(draw(100 * seed + i) for i, draw in enumerate(draws))
