"""Prepares torch's fused steps of SGD, Adam and AdamW without what torch looks up anew at each of them."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from normbench.optimizers._without_compiler import FusedStep, States

_OF_ADAM = (
    *("self", "grads", "exp_avgs", "exp_avg_sqs", "max_exp_avg_sqs", "state_steps", "lr", "beta1", "beta2"),
    *("weight_decay", "eps", "amsgrad", "maximize", "grad_scale", "found_inf"),
)
_OF_SGD = (
    *("self", "grads", "momentum_buffer_list", "weight_decay", "momentum", "lr", "dampening", "nesterov"),
    *("maximize", "is_first_step", "grad_scale", "found_inf"),
)


def sgd_step() -> FusedStep | None:
    """Return what prepares a step of SGD; None where this torch has no such kernel."""
    return _sgd_call if _has_kernel("_fused_sgd_", _OF_SGD) else None


def adam_step(kernel: str) -> FusedStep | None:
    """Return what prepares a step of Adam or AdamW.

    Args:
        kernel: ``_fused_adam_`` or ``_fused_adamw_``, which differ in what they do with weight decay.

    Returns:
        None where this torch has no such kernel.
    """
    return partial(_adam_call, getattr(torch, kernel)) if _has_kernel(kernel, _OF_ADAM) else None


def _has_kernel(name: str, arguments: tuple[str, ...]) -> bool:
    schema = getattr(getattr(getattr(torch.ops.aten, name, None), "default", None), "_schema", None)
    return schema is not None and tuple(argument.name for argument in schema.arguments) == arguments


def _sgd_call(group: dict[str, Any], grads: list[Tensor], states: States) -> Callable[[], object]:
    velocities = [state["momentum_buffer"] for state in states] if group["momentum"] else []
    return partial(
        torch._fused_sgd_,
        group["params"],
        grads,
        velocities,
        weight_decay=group["weight_decay"],
        momentum=group["momentum"],
        lr=group["lr"],
        dampening=group["dampening"],
        nesterov=group["nesterov"],
        maximize=group["maximize"],
        is_first_step=False,
    )


def _adam_call(
    kernel: Callable[..., object], group: dict[str, Any], grads: list[Tensor], states: States
) -> Callable[[], object]:
    beta1, beta2 = group["betas"]
    steps = [state["step"] for state in states]
    update = partial(
        kernel,
        group["params"],
        grads,
        [state["exp_avg"] for state in states],
        [state["exp_avg_sq"] for state in states],
        [state["max_exp_avg_sq"] for state in states] if group["amsgrad"] else [],
        steps,
        lr=group["lr"],
        beta1=beta1,
        beta2=beta2,
        weight_decay=group["weight_decay"],
        eps=group["eps"],
        amsgrad=group["amsgrad"],
        maximize=group["maximize"],
    )

    def call() -> None:
        torch._foreach_add_(steps, 1)
        update()

    return call
