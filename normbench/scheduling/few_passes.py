"""Makes a network's passes without a gradient a few times for each shape of input, and tells the time of the others."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

ENOUGH_S, ENOUGH_OF_ONE_S = 0.004, 0.01
"""CPU seconds of passes of one shape after which no more are made: of several, and of a single one."""


@dataclass
class _Passes:
    """The passes of one shape of input in one mode.

    Attributes:
        seconds: CPU seconds of each that was made.
        output: What the last one put out.
    """

    seconds: list[float] = field(default_factory=list)
    output: Any = None

    @property
    def are_enough(self) -> bool:
        """Whether the next is told from those that were made."""
        return sum(self.seconds) >= (ENOUGH_S if len(self.seconds) > 1 else ENOUGH_OF_ONE_S)

    @property
    def told_s(self) -> float:
        """CPU seconds of one that is not made; the first, which is slower, counts only if there is no other."""
        rest = self.seconds[1:] or self.seconds
        return sum(rest) / len(rest)


class FewPasses:
    """Stands in for a network's ``forward``: what was computed often enough is not computed again.

    Passes with a gradient are made as ever. Of those without, as in evaluation, the first few of each shape are made;
    the next get the last one's output, and their time is added to ``told_s``.

    Args:
        model: The network.
    """

    def __init__(self, model: nn.Module) -> None:
        self._forward, self._modules = model.forward, list(model.modules())
        self._made: dict[tuple[Any, ...], _Passes] = {}
        self.told_s = 0.0

    def clock_s(self) -> float:
        """Return the CPU seconds of this process, and those of the passes that were not made."""
        return time.process_time() + self.told_s

    def __call__(self, *inputs: Any, **others: Any) -> Any:
        """Make a pass, or return what an earlier one put out."""
        if torch.is_grad_enabled() or others or not all(isinstance(x, Tensor) for x in inputs):
            return self._forward(*inputs, **others)
        modes = tuple(module.training for module in self._modules)
        passes = self._made.setdefault((modes, *(x.shape for x in inputs)), _Passes())
        if passes.are_enough:
            self.told_s += passes.told_s
        else:
            started = time.process_time()
            passes.output = self._forward(*inputs)
            passes.seconds.append(time.process_time() - started)
        return passes.output


@contextmanager
def few_passes(model: nn.Module, *, are_few: bool = True) -> Iterator[FewPasses]:
    """Let a network make few passes without a gradient inside the block, or all; its ``forward`` is then as it was."""
    passes, own = FewPasses(model), vars(model).get("forward")
    if are_few:
        model.forward = passes
    try:
        yield passes
    finally:
        if are_few:
            del model.forward
        if are_few and own is not None:
            model.forward = own
