"""Python's and numpy's random generators with torch's methods, so that their states are kept and put back alike."""

import json
import random
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor


class KeepsState(Protocol):
    """What has a state that can be put back."""

    def get_state(self) -> Tensor:
        """Return its state."""

    def set_state(self, new_state: Tensor, /) -> Any:
        """Set its state to what ``get_state`` returned."""


class HasState(KeepsState, Protocol):
    """What draws random numbers: a generator of torch's, of numpy's or of Python's."""

    def manual_seed(self, seed: int, /) -> Any:
        """Begin anew from a seed."""


class PythonRandom:
    """A ``random.Random``, or Python's own functions.

    Args:
        source: The object, or the module ``random``.
    """

    def __init__(self, source: Any = random) -> None:
        self.source = source

    def get_state(self) -> Tensor:
        """Return the state as bytes."""
        return _as_bytes(self.source.getstate())

    def set_state(self, new_state: Tensor) -> None:
        """Set the state."""
        version, words, gauss = _from_bytes(new_state)
        self.source.setstate((version, tuple(words), gauss))

    def manual_seed(self, seed: int) -> None:
        """Begin anew from a seed."""
        self.source.seed(seed)


class NumpyRandom:
    """A ``numpy.random.RandomState`` or ``Generator``, or numpy's own functions.

    Args:
        source: The object, or the module ``numpy.random``.
    """

    def __init__(self, source: Any = np.random) -> None:
        self.source = source

    def get_state(self) -> Tensor:
        """Return the state as bytes."""
        if isinstance(self.source, np.random.Generator):
            return _as_bytes(self.source.bit_generator.state)
        return _as_bytes(self.source.get_state(legacy=False))

    def set_state(self, new_state: Tensor) -> None:
        """Set the state."""
        if isinstance(self.source, np.random.Generator):
            self.source.bit_generator.state = _from_bytes(new_state)
        else:
            self.source.set_state(_from_bytes(new_state))

    def manual_seed(self, seed: int) -> None:
        """Begin anew from a seed."""
        if isinstance(self.source, np.random.Generator):
            self.source.bit_generator.state = type(self.source.bit_generator)(seed).state
        else:
            self.source.seed(seed)


OF_PYTHON, OF_NUMPY = PythonRandom(), NumpyRandom()
"""Those that ``random.random()`` and ``numpy.random.rand()`` draw from."""


def as_generator(value: object) -> HasState | None:
    """Return a random generator of torch's, numpy's or Python's with torch's methods; None of anything else."""
    if isinstance(value, torch.Generator):
        return value
    if isinstance(value, np.random.Generator | np.random.RandomState):
        return NumpyRandom(value)
    return PythonRandom(value) if isinstance(value, random.Random) else None


def _as_bytes(state: object) -> Tensor:
    return torch.frombuffer(bytearray(json.dumps(state, default=_plain).encode()), dtype=torch.uint8)


def _from_bytes(state: Tensor) -> Any:
    return json.loads(bytes(state.tolist()))


def _plain(array: Any) -> Any:
    return array.tolist()
