"""Reads and sets torch's random states, of the CPU and of the GPU in use."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor


@contextmanager
def same_random_states_after() -> Iterator[None]:
    """Put torch's random states back after the block, also when it raises."""
    with torch.random.fork_rng(devices=_devices()):
        yield


def random_states() -> list[Tensor]:
    """Return the random states of the CPU and of the GPU in use."""
    return [torch.random.get_rng_state(), *(torch.cuda.get_rng_state(device) for device in _devices())]


def set_random_states(states: list[Tensor]) -> None:
    """Set torch's random states to what ``random_states`` returned."""
    torch.random.set_rng_state(states[0])
    for device, state in zip(_devices(), states[1:], strict=True):
        torch.cuda.set_rng_state(state, device)


def _devices() -> list[int]:
    return [torch.cuda.current_device()] if torch.cuda.is_available() and torch.cuda.is_initialized() else []
