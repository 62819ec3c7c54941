"""ModelInput: what a model is called with: tensors by position or by name, and other values beside them."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn

Change = Callable[[Tensor], Tensor]
COMPILED = "_orig_mod"
"""Name of the module inside a compiled one; rows bear the names that it has without the compiler."""


@dataclass(frozen=True)
class ModelInput:
    """The arguments of a model's forward.

    Attributes:
        args: Arguments by position: tensors, or tuples, lists and dicts of them, or values such as None and numbers.
        kwargs: Arguments by name.
    """

    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, value: Any, model: nn.Module) -> "ModelInput":
        """Read a batch as arguments: a tuple by position, a dict by name where forward takes these names, else one.

        A list is one argument where forward takes one but not several, as of images, else by position.
        """
        if isinstance(value, cls):
            return value
        forward = _plain_forward(model)
        if isinstance(value, list) and not _takes(forward, *value) and _takes(forward, value):
            return cls((value,))
        if isinstance(value, tuple | list):
            return cls(tuple(value))
        if isinstance(value, Mapping) and _takes(forward, **value) and _names_one(forward, value):
            return cls(kwargs=value)
        return cls((value,))

    def changed(self, change: Change) -> "ModelInput":
        """Return the same arguments with every tensor changed."""
        return ModelInput(_changed(self.args, change), _changed(dict(self.kwargs), change))

    def tensors(self) -> list[Tensor]:
        """Return all tensors in the order of the arguments."""
        found: list[Tensor] = []

        def note(tensor: Tensor) -> Tensor:
            found.append(tensor)
            return tensor

        self.changed(note)
        return found

    @property
    def num_samples(self) -> int:
        """Length of the first tensor's first axis, 1 without one."""
        return next((len(tensor) for tensor in self.tensors() if tensor.dim()), 1)

    def is_same_in_all_samples(self) -> bool:
        """Return whether there are several samples, all alike in every tensor of the batch's length."""
        rows = [tensor for tensor in self.tensors() if tensor.dim() and len(tensor) == self.num_samples > 1]
        return bool(rows) and all(bool((tensor == tensor[:1]).all()) for tensor in rows)

    def call(self, model: nn.Module) -> Any:
        """Return what a model puts out for these arguments."""
        return model(*self.args, **self.kwargs)


def _plain_forward(model: nn.Module) -> Callable[..., Any]:
    """Return the forward of a model, or of the one inside a wrapper that hands on whatever it gets."""
    inner = getattr(model, COMPILED, None) or getattr(model, "module", None)
    is_wrapper = isinstance(inner, nn.Module) and not _names_one(model.forward, None)
    return _plain_forward(inner) if is_wrapper and isinstance(inner, nn.Module) else model.forward


def _takes(forward: Callable[..., Any], *args: Any, **kwargs: Any) -> bool:
    try:
        inspect.signature(forward).bind(*args, **kwargs)
    except (TypeError, ValueError):
        return False
    return True


def _names_one(forward: Callable[..., Any], names: Iterable[str] | None) -> bool:
    """Return whether forward names one of its arguments so; with None, whether it names any."""
    variable = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    known = {name for name, one in inspect.signature(forward).parameters.items() if one.kind not in variable}
    return bool(known if names is None else known & set(names))


def _changed(value: Any, change: Change) -> Any:
    if isinstance(value, Tensor):
        return change(value)
    if isinstance(value, dict):
        return {key: _changed(part, change) for key, part in value.items()}
    if isinstance(value, tuple | list):
        parts = [_changed(part, change) for part in value]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    return value
