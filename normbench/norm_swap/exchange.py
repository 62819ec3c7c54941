"""Puts modules in the place of others under all their names, and back."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

from torch import nn

FAST_PATHS: dict[type[nn.Module], tuple[str, Any]] = {
    nn.TransformerEncoderLayer: ("activation_relu_or_gelu", 0),
    nn.TransformerEncoder: ("use_nested_tensor", False),
}
"""Torch's modules that in evaluation compute a layer norm of their own, from what they read off norms inside them,
with the attribute that forbids it and its value then."""


def exchange(network: nn.Module, new: Mapping[nn.Module, nn.Module]) -> Callable[[], None]:
    """Put modules in the place of others in every module that holds these, under all names.

    Torch's modules that compute norms inside them by themselves call those that are new.

    Returns:
        What puts all of it back.
    """
    put_back = ExitStack()
    for module in list(network.modules()):
        forbidden = next((way for kind, way in FAST_PATHS.items() if isinstance(module, kind)), None)
        if forbidden and new.keys() & set(module.modules()):
            name, value = forbidden
            put_back.callback(setattr, module, name, getattr(module, name))
            setattr(module, name, value)
    for parent in list(network.modules()):
        held: dict[str, Any] = parent._modules  # noqa: SLF001 - a name in a ModuleList is no attribute
        for name, child in held.items():
            if child in new:
                put_back.callback(held.__setitem__, name, child)
                held[name] = new[child]
    return put_back.close


@contextmanager
def exchanged(network: nn.Module, new: Mapping[nn.Module, nn.Module]) -> Iterator[None]:
    """Exchange modules inside a block."""
    put_back = exchange(network, new)
    try:
        yield
    finally:
        put_back()
