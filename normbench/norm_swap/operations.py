"""Sees the norms and the activation functions that torch computes, whoever calls them and by whatever name."""

import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from normbench.any_module.tensors import is_inside_transform

NORM_FUNCTIONS = frozenset(
    f"{before}{kind}"
    for kind in ("batch_norm", "instance_norm", "layer_norm", "group_norm", "rms_norm", "local_response_norm")
    for before in ("", "native_")
)
"""Functions of torch that normalize, as users call them."""
NORM_OPERATIONS = ("batch_norm", "layer_norm", "group_norm", "rms_norm", "instance_norm")
"""What the names of torch's own operations that normalize contain."""
ACTIVATIONS = frozenset(
    {"relu", "hardtanh", "leaky_relu", "rrelu_with_noise", "_prelu_kernel", "threshold", "hardshrink", "softshrink"}
    | {"elu", "celu", "selu", "gelu", "silu", "mish", "hardswish", "glu", "softplus", "log_sigmoid_forward"}
    | {"sigmoid", "hardsigmoid", "tanh"}
)
"""Torch's operations that are activation functions; those in place have one more underscore at the end."""

NoteNorm = Callable[[str, Tensor], None]
NoteActivation = Callable[[str], None]


@contextmanager
def seeing_operations(norm: NoteNorm, activation: NoteActivation) -> Iterator[None]:
    """Tell of each norm, with its name and first argument, and of each activation function inside the block.

    Functions are seen by the name that users know, ``layer_norm``; code that calls torch's operations otherwise, such
    as TorchScript, is seen when they are dispatched. A norm that is written out in arithmetic is seen by neither.
    """
    dispatched = _Dispatched(norm, activation)
    with ExitStack() as exits:
        exits.enter_context(_Functions(norm, dispatched))
        exits.enter_context(dispatched)
        yield


class _Functions(TorchFunctionMode):
    def __init__(self, note: NoteNorm, dispatched: "_Dispatched") -> None:
        super().__init__()
        self._note, self._dispatched = note, dispatched

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        x = first_tensor((args, kwargs)) if name in NORM_FUNCTIONS else None
        if x is None:
            return func(*args, **kwargs)
        self._note(name.removeprefix("native_"), x)
        with self._dispatched.ignoring_norms():
            return func(*args, **kwargs)


class _Dispatched(TorchDispatchMode):
    def __init__(self, norm: NoteNorm, activation: NoteActivation) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._norm, self._activation = norm, activation
        self._ignores_norms = False

    @contextmanager
    def ignoring_norms(self) -> Iterator[None]:
        """Leave out the operations by which a function that was noted is computed."""
        known, self._ignores_norms = self._ignores_norms, True
        try:
            yield
        finally:
            self._ignores_norms = known

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # else torch imports its compiler, to leave this class out of it: a second a process

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        if name in ACTIVATIONS or name.removesuffix("_") in ACTIVATIONS:
            self._activation(name.removesuffix("_"))
        elif not self._ignores_norms and _is_norm(name):
            x = first_tensor(args)
            if x is not None:
                self._norm(name.lstrip("_").removeprefix("native_"), x)
        return func(*args, **(kwargs or {}))


def _is_norm(operation: str) -> bool:
    return "backward" not in operation and any(part in operation for part in NORM_OPERATIONS)


def first_tensor(value: Any) -> Tensor | None:
    """Return the first tensor among arguments, by position or by name, or in lists and dicts of them."""
    if isinstance(value, Tensor):
        return value
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, tuple | list) else ()
    found = (first_tensor(part) for part in parts)
    return next((tensor for tensor in found if tensor is not None), None)


@torch.no_grad()
def fingerprint(x: Tensor) -> float:
    """Return a number that depends on the values of a tensor and on their order; nan where it has no plain values."""
    if is_inside_transform() or x.layout != torch.strided:
        return math.nan
    values = x.detach().reshape(-1).double()
    return torch.dot(values, torch.arange(1, values.numel() + 1, device=x.device, dtype=torch.float64).sin()).item()
