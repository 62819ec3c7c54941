"""Checkpoints activations: computes forward again in backward, with the same running statistics as without."""

import math
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from torch import Tensor, is_grad_enabled, nn, no_grad
from torch.nn.utils.parametrize import ParametrizationList
from torch.utils.checkpoint import checkpoint, set_checkpoint_early_stop

from normbench.any_module.random_states import Replaying, held_generators, states_of
from normbench.models.base import Layer


class Recomputed:
    """Replaces a module's forward in training: intermediate results are computed again when backward needs them.

    Random numbers are the same the second time, and go on afterwards as after a single pass: torch sees to its global
    generators, ``Replaying`` to those that modules hold, such as the stream of dropout, and to the buffers that a pass
    in training reads before it moves them. So both passes compute the same, and these buffers move once. The second
    pass is made to its end, so that whatever another norm remembers in forward is remembered exactly twice.

    References:
        Chen, Xu, Zhang and Guestrin, Training Deep Nets with Sublinear Memory Cost, 2016.
        https://arxiv.org/abs/1604.06174
    """

    def __init__(self, module: nn.Module) -> None:
        self.module = module

    def __call__(self, *inputs: Tensor) -> Tensor:
        """Compute the module's output."""
        if not (self.module.training and is_grad_enabled()):
            return self._once(*inputs)
        with set_checkpoint_early_stop(False):
            output: Tensor = checkpoint(self._once, *inputs, use_reentrant=False, context_fn=self._around_passes)
        return output

    def _around_passes(self) -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
        states = states_of([*held_generators(self.module), *_read_buffers(self.module)])
        return nullcontext(), Replaying(states)

    def _once(self, *inputs: Tensor) -> Tensor:
        output: Tensor = type(self.module).forward(self.module, *inputs)
        return output


class _Buffer:
    """The numbers of a buffer as a state that can be put back."""

    def __init__(self, buffer: Tensor) -> None:
        self.buffer = buffer

    def get_state(self) -> Tensor:
        """Return a copy of the numbers."""
        return self.buffer.clone()

    def set_state(self, new_state: Tensor) -> None:
        """Put numbers into the buffer."""
        with no_grad():
            self.buffer.copy_(new_state)


def _read_buffers(module: nn.Module) -> Iterator[_Buffer]:
    """Yield the buffers that a pass in training reads: what weight parametrizations keep, and some running statistics.

    The vectors of spectral norm, say. Once the first pass has moved them, they would give another output.
    """
    for part in module.modules():
        if isinstance(part, ParametrizationList) or reads_running_statistics(part):
            yield from map(_Buffer, part.buffers())


def reads_running_statistics(module: nn.Module) -> bool:
    """Return whether a layer computes with its running statistics in training too."""
    return bool(getattr(module, "reads_running_statistics", False))


def checkpoint_activations(model: nn.Module) -> None:
    """Compute each part of a network twice, and correct the momentum of its running statistics for it.

    The parts are the network's children that hold a hidden layer: a layer, a block, a stage or a cell. Only what
    passes between them is kept for backward. Names of layers and parameters stay as they are.
    """
    for part in model.children():
        if any(isinstance(layer, Layer) and layer.is_hidden for layer in part.modules()):
            part.forward = Recomputed(part)
            for module in part.modules():
                _correct_momentum(module)


def momentum_for_two_updates(momentum: float) -> float:
    """Return the momentum by which two updates with one batch equal a single update with ``momentum``.

    1 - sqrt(1 - momentum), since the old value keeps (1 - momentum) of itself over both. A cumulative average
    (momentum None) needs no correction: each batch counts twice.

    Example:
        >>> round(momentum_for_two_updates(0.1), 4)
        0.0513
    """
    return 1 - math.sqrt(1 - momentum)


def _correct_momentum(module: Any) -> None:
    if getattr(module, "running_mean", None) is None or reads_running_statistics(module):
        return
    if isinstance(module.momentum, float):
        module.momentum = momentum_for_two_updates(module.momentum)
    if hasattr(module, "extra_momenta"):
        module.extra_momenta = tuple(map(momentum_for_two_updates, module.extra_momenta))
