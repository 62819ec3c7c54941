"""Records a pass of a network: which modules are called inside which, also unregistered ones, and what they compute."""

from collections import Counter
from collections.abc import Callable, Collection
from contextlib import ExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from torch import Tensor, nn
from torch.nn.modules.module import (
    _global_forward_hooks_with_kwargs,
    register_module_forward_hook,
    register_module_forward_pre_hook,
)

from normbench.any_module.random_states import RandomStates, random_states, set_random_states
from normbench.any_module.tensors import is_inside_transform
from normbench.norm_swap.operations import fingerprint, first_tensor, seeing_operations

Chooses = Callable[[nn.Module], bool]


@dataclass
class Frame:
    """One call of a module.

    Attributes:
        module: The module.
        x: Its first tensor as it came in, a copy where the call is looked into; None without one, or in torch.func.
        keyword: The name by which that tensor was given; "" where by position.
        output: What it put out.
        inside: What it called directly, in order, where it is looked into: with copies of what came in and went out.
        activations: Names of the activation functions that its own forward ran.
    """

    module: nn.Module
    x: Tensor | None = None
    keyword: str = ""
    output: Any = None
    inside: list["Frame"] = field(default_factory=list)
    activations: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class NormOperation:
    """One norm that was computed.

    Attributes:
        name: As users call it: ``layer_norm``.
        stack: The modules that were being called, from the outside in.
        shape: Shape of its input.
        fingerprint: A number that another input would not give.
    """

    name: str
    stack: tuple[nn.Module, ...]
    shape: tuple[int, ...]
    fingerprint: float


class Recorder:
    """Watches every module that is called inside a ``with`` block.

    Args:
        watched: The modules whose calls are handed to ``see`` when they have ended.
        see: Takes a call.
        looked_into: The modules of which is noted what they call.
        quiet: Modules after which random numbers are drawn as if these had drawn none.

    Attributes:
        operations: The norms that were computed, in order.
        activations: How many activation functions each module's own forward ran.
    """

    def __init__(
        self,
        watched: Chooses,
        see: Callable[[Frame], None],
        looked_into: Chooses = lambda _: False,
        quiet: Collection[nn.Module] = (),
    ) -> None:
        self._watched, self._see, self._looked_into, self._quiet = watched, see, looked_into, set(quiet)
        self._frames: list[Frame] = []
        self._states: list[RandomStates] = []
        self._pauses = False
        self._exits = ExitStack()
        self.operations: list[NormOperation] = []
        self.activations: Counter[nn.Module | None] = Counter()

    def __enter__(self) -> Self:
        self._exits.callback(register_module_forward_pre_hook(self._begin).remove)
        handle = register_module_forward_hook(self._end, with_kwargs=True)
        self._exits.callback(_global_forward_hooks_with_kwargs.pop, handle.id, None)  # torch 2.13 would leave it behind
        self._exits.callback(handle.remove)
        self._exits.enter_context(seeing_operations(self._note_norm, self._note_activation))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._exits.__exit__(kind, error, at)

    @property
    def stack(self) -> tuple[nn.Module, ...]:
        """The modules that are being called, from the outside in; after an error, those that it ended."""
        return tuple(frame.module for frame in self._frames)

    def _begin(self, module: nn.Module, args: tuple[Any, ...]) -> None:
        x = first_tensor(args) if self._looked_into(module) or self._is_looked_into() else None
        self._frames.append(Frame(module, None if x is None else x.detach().clone()))
        if module in self._quiet:
            self._states.append(random_states())

    def _end(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        while self._frames and self._frames[-1].module is not module:
            self._frames.pop()  # of a call that ended with an error, which the network caught
        if not self._frames:
            return
        frame = self._frames.pop()
        if module in self._quiet and self._states:
            set_random_states(self._states.pop())
        frame.x, frame.output = first_tensor((args, kwargs)) if frame.x is None else frame.x, output
        frame.keyword = "" if first_tensor(args) is not None else next(iter(kwargs), "")
        if is_inside_transform():  # such a tensor has other shapes than the function sees, and no values
            frame.x = None
        if self._is_looked_into():
            copy = output.detach().clone() if isinstance(output, Tensor) else output
            self._frames[-1].inside.append(Frame(module, frame.x, output=copy))
        if self._watched(module):
            self._pauses = True  # what is computed while looking is none of the network's
            self._see(frame)
            self._pauses = False

    def _is_looked_into(self) -> bool:
        return bool(self._frames) and self._looked_into(self._frames[-1].module)

    def _note_norm(self, name: str, x: Tensor) -> None:
        if self._pauses:
            return
        self.operations.append(NormOperation(name, self.stack, tuple(x.shape), fingerprint(x)))

    def _note_activation(self, name: str) -> None:
        if self._pauses:
            return
        if self._frames:
            self._frames[-1].activations.append(name)
        self.activations[self._frames[-1].module if self._frames else None] += 1
