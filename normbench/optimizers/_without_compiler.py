"""Makes subclasses of torch's optimizers that do not load torch's compiler, and whose steps on the CPU cost less."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch.optim import Optimizer

Kind = TypeVar("Kind", bound=type[Optimizer])
States = Sequence[Mapping[str, Any]]
FusedStep = Callable[[dict[str, Any], list[Tensor], States], Callable[[], object]]
"""Prepares torch's fused step of a group, given its gradients and states; KeyError where a state lacks something."""

WRAPPED = ("add_param_group", "zero_grad", "state_dict", "load_state_dict")
"""Methods with a wrapper that loads the compiler, only to keep it away from them."""
NO_STATE: Mapping[str, Any] = MappingProxyType({})


def without_compiler(kind: Kind, fused_step: FusedStep | None = None) -> Kind:
    """Return a subclass of an optimizer that computes the same bits and does not load torch's compiler.

    torch loads it when the first optimizer is made or makes a step, which takes 1.8 CPU-seconds. Hooks on steps are
    not called.

    Args:
        kind: SGD, Adam, AdamW or another optimizer of torch.
        fused_step: Prepares its fused step on the CPU; None always takes the way through torch's own.

    Returns:
        The subclass; ``kind`` itself where the installed torch wraps its methods in another way.
    """
    methods = {name: getattr(getattr(kind, name, None), "__wrapped__", None) for name in WRAPPED}
    step: Any = getattr(getattr(kind, "step", None), "__wrapped__", None)
    while hasattr(step, "__wrapped__"):  # torch wraps it once more when the first optimizer of its kind is made
        step = step.__wrapped__
    if step is None or None in methods.values():
        return kind
    body = methods | {"step": _without_gradients(step, fused_step), "__doc__": kind.__doc__}
    return type(kind.__name__, (kind,), body)  # type: ignore[return-value]


def _without_gradients(step: Callable[..., Any], fused_step: FusedStep | None) -> Callable[..., Any]:
    def leaner_step(self: Optimizer, closure: Callable[[], Any] | None = None) -> Any:
        before = torch.is_grad_enabled()
        torch.set_grad_enabled(False)
        try:
            calls = _fused_calls(self, fused_step) if fused_step and closure is None else None
            if calls is None:
                return step(self, closure)
            for call in calls:
                call()
        finally:
            torch.set_grad_enabled(before)

    leaner_step.hooked = True  # type: ignore[attr-defined]  # else torch wraps it, for hooks and its profiler
    return leaner_step


def _fused_calls(optimizer: Optimizer, fused_step: FusedStep) -> list[Callable[[], object]] | None:
    """Return a call per group that makes its step; None where torch has to look closer, as at the first step."""
    calls = []
    for group in optimizer.param_groups:
        grads = [parameter.grad for parameter in group["params"]]
        if not group["fused"] or any(grad is None or grad.is_sparse or not grad.is_cpu for grad in grads):
            return None
        try:
            states = [optimizer.state.get(parameter, NO_STATE) for parameter in group["params"]]
            calls.append(fused_step(group, grads, states))
        except KeyError:
            return None
    return calls
