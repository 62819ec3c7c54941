"""Measures whether copies of a layer compute the same, and what a pass changes beside its output."""

import random
from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap

from normbench.inspection.norm_contract.measured_norm import output, seed_all


def is_same_everywhere(layer: nn.Module, other: nn.Module, x: Tensor) -> bool:
    """Return whether two layers put out the same bits, in training and in evaluation."""
    modes = (True, False)
    return all(torch.equal(output(layer.train(mode), x), output(other.train(mode), x)) for mode in modes)


def is_restored(layer: nn.Module, fresh: nn.Module, x: Tensor) -> bool:
    """Return whether a fresh layer computes the same once it has a layer's state."""
    fresh.load_state_dict(layer.state_dict())
    return is_same_everywhere(fresh, layer, x)


def takes_channels_last(layer: nn.Module, x: Tensor) -> bool:
    """Return whether maps that lie channels-last in memory give the same numbers, within float32's rounding."""
    formats = {4: torch.channels_last, 5: torch.channels_last_3d}
    y, other = output(layer, x), output(layer, x.contiguous(memory_format=formats[x.dim()]))
    return torch.allclose(y, other, rtol=1e-4, atol=1e-4 * float(y.abs().max()))


def works_under_vmap(layers: Sequence[nn.Module], x: Tensor) -> bool:
    """Return whether stacked layers compute what each does alone, x being a batch for each of them.

    Layers that draw at random must also be able to draw numbers of their own.

    Raises:
        Exception: They cannot be stacked.
    """
    stacked_outputs(layers, x, "different")
    stacked, _ = stacked_outputs(layers, x, "same")
    alone = torch.stack([output(layer, batch) for layer, batch in zip(layers, x, strict=True)])
    return torch.allclose(stacked, alone)


def stacked_outputs(layers: Sequence[nn.Module], x: Tensor, randomness: str) -> tuple[Tensor, dict[str, Tensor]]:
    """Return the outputs of layers under vmap for a batch each, and their buffers afterwards."""
    parameters, buffers = stack_module_state(deepcopy(list(layers)))
    base = deepcopy(layers[0])
    seed_all(1, base)
    one = vmap(lambda *state_and_x: functional_call(base, state_and_x[:2], state_and_x[2:]), randomness=randomness)
    return one(parameters, buffers, x).detach(), buffers


def changes_its_input(layer: nn.Module, x: Tensor) -> bool:
    """Return whether x is another after a pass."""
    given = x.clone()
    with torch.no_grad():
        layer(given)
    return not torch.equal(given, x)


def drawn_from(layer: nn.Module, x: Tensor) -> tuple[str, ...]:
    """Return whose global random numbers two passes draw: torch's, numpy's, Python's."""
    import numpy as np

    def states() -> dict[str, str]:
        numpy_state: Any = np.random.get_state()  # noqa: NPY002 - layers may use it
        return {
            "torch": str(torch.get_rng_state().tolist()),
            "numpy": str((numpy_state[1].tolist(), *numpy_state[2:])),
            "Python": str(random.getstate()),
        }

    before = states()
    with torch.no_grad():
        layer(layer(x.clone()))
    return tuple(name for name, state in states().items() if state != before[name])


def moved_buffers(layer: nn.Module, x: Tensor) -> tuple[str, ...]:
    """Return the names of the buffers that a pass changes, without counters."""
    before = {name: buffer.clone() for name, buffer in layer.named_buffers()}
    with torch.no_grad():
        layer(x.clone())
    return tuple(
        name
        for name, buffer in layer.named_buffers()
        if buffer.is_floating_point() and not torch.equal(buffer, before[name])
    )
