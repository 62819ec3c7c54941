"""Puts a module back as it was: tensors, buffers, modes, hooks, attributes, gradients and random states."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.grad_mode import _unsafe_preserve_version_counter
from torch.nn.parameter import is_lazy

from normbench.any_module.random_states import same_random_states_after
from normbench.errors import SettingError


@contextmanager
def leaving_unchanged(model: nn.Module, *, parameters_change: bool = True) -> Iterator[None]:
    """Put everything about a model, its random states and torch's back after the block, also when it raises.

    What is put back: values of parameters, buffers and other tensors that modules hold; which tensors those are;
    training or evaluation mode, hooks and all other attributes of every module, containers among them one level deep;
    states of generators; ``requires_grad`` and ``grad``. A tensor that the block did not change is not written to, so
    that a graph in which it takes part can still be gone back through.

    Args:
        model: Any module.
        parameters_change: False where the block surely writes to no parameter and to no gradient that is there, as a
            pass through normbench's own networks: then their values are neither copied nor compared, which takes most
            of the time. Buffers and all else are put back as ever.

    Raises:
        SettingError: A lazy module has no parameters yet.
    """
    _refuse_lazy(model)
    attributes = [(module, dict(vars(module)), _containers(module)) for module in model.modules()]
    values = [(tensor, tensor.detach().clone()) for tensor in _tensors(model, with_parameters=parameters_change)]
    gradients = [(parameter, parameter.requires_grad, parameter.grad) for parameter in model.parameters()]
    try:
        with same_random_states_after(model):
            yield
    finally:
        for module, known, containers in attributes:
            _put_back(module, known, containers)
        for tensor, value in values:
            _write(tensor, value)
        for parameter, requires_grad, grad in gradients:
            parameter.requires_grad_(requires_grad)
            parameter.grad = grad


def _refuse_lazy(model: nn.Module) -> None:
    for name, tensor in (*model.named_parameters(), *model.named_buffers()):
        if is_lazy(tensor):
            way_out = "Call it once on an input first."
            raise SettingError(name, "must have its shape before the model is probed", type(tensor).__name__, way_out)


def _containers(module: nn.Module) -> list[tuple[Any, Any]]:
    """Return the lists, sets and dicts of a module with copies of them.

    Torch's own are among them: a hook that is added changes one, so does a buffer that is replaced.
    """
    found = [value for value in vars(module).values() if isinstance(value, dict | list | set)]
    return [(value, dict(value) if isinstance(value, dict) else value.copy()) for value in found]


def _tensors(model: nn.Module, *, with_parameters: bool) -> list[Tensor]:
    attributes = [value for module in model.modules() for value in vars(module).values() if isinstance(value, Tensor)]
    learned = list(model.parameters()) if with_parameters else []
    gradients = [parameter.grad for parameter in learned if parameter.grad is not None]
    unique = {id(tensor): tensor for tensor in (*learned, *gradients, *model.buffers(), *attributes)}
    return list(unique.values())


def _put_back(module: nn.Module, known: dict[str, Any], containers: list[tuple[Any, Any]]) -> None:
    vars(module).clear()
    vars(module).update(known)
    for container, content in containers:
        container.clear()
        container.extend(content) if isinstance(container, list) else container.update(content)


@torch.no_grad()
def _write(tensor: Tensor, value: Tensor) -> None:
    if _has_bits(tensor, value):
        return
    # A graph from before may have noted the version of a buffer, which is again what it was.
    with _unsafe_preserve_version_counter(tensor):
        tensor.copy_(value) if tensor.shape == value.shape else tensor.set_(value)  # type: ignore[call-overload]


def _has_bits(tensor: Tensor, value: Tensor) -> bool:
    """Return whether a tensor has the very bits of a value; 0 and -0 are equal numbers, and nan is to none."""
    if tensor.shape != value.shape or tensor.layout != value.layout:
        return False
    if tensor.layout != torch.strided:  # sparse: its places and its numbers
        return all(map(_has_bits, _strided_parts(tensor), _strided_parts(value)))
    return torch.equal(_bytes(tensor), _bytes(value))


def _bytes(tensor: Tensor) -> Tensor:
    return tensor.detach().resolve_conj().resolve_neg().contiguous().view(-1).view(torch.uint8)


def _strided_parts(tensor: Tensor) -> list[Tensor]:
    if tensor.layout == torch.sparse_coo:
        return [tensor._indices(), tensor._values()]  # noqa: SLF001 - the public names ask for sorted places
    by_row = tensor.layout in (torch.sparse_csr, torch.sparse_bsr)
    places = (tensor.crow_indices(), tensor.col_indices()) if by_row else (tensor.ccol_indices(), tensor.row_indices())
    return [*places, tensor.values()]
