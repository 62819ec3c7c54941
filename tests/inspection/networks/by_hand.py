"""The figures of every module by plain hooks: what it puts out, the gradient that comes back, weights and theirs."""

from collections.abc import Callable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import torch
from inspection.networks.last_states import is_recurrent, joined_states
from inspection.networks.row import Inputs, called
from torch import Tensor, nn

from normbench.any_module.tensors import is_inside_transform
from normbench.random_streams import stream

Pairs = list[tuple[Tensor, Tensor | None]]
"""What one call put out, each tensor with the gradient at it."""


def leaves(structure: Any) -> Iterator[Tensor]:
    """Yield the tensors of an output in the order in which they stand in it."""
    if isinstance(structure, Tensor):
        yield structure
    for part in _parts(structure):
        yield from leaves(part)


def _parts(structure: Any) -> list[Any]:
    if is_dataclass(structure):
        return [getattr(structure, field.name) for field in fields(structure)]
    if isinstance(structure, Mapping):
        return list(structure.values())
    if isinstance(structure, tuple | list):
        return list(structure)
    return list(vars(structure).values()) if _is_object(structure) else []


def _is_object(structure: Any) -> bool:
    """Return whether its attributes hold what was put out, as those of a distribution do."""
    return hasattr(structure, "__dict__") and not callable(structure)


def _copied(structure: Any) -> Any:
    """Return the same structure with a copy of each tensor, through which the gradient goes on."""
    if isinstance(structure, Tensor):
        return structure.clone()
    if is_dataclass(structure):
        return type(structure)(*map(_copied, _parts(structure)))
    if isinstance(structure, Mapping):
        return {key: _copied(value) for key, value in structure.items()}
    if isinstance(structure, tuple) and hasattr(structure, "_fields"):
        return type(structure)(*map(_copied, structure))
    if isinstance(structure, tuple | list):
        return type(structure)(map(_copied, structure))
    found = copy(structure)
    if _is_object(structure):
        vars(found).update({name: _copied(part) for name, part in vars(structure).items()})
    return found


def direction_value(output: Any, model: nn.Module, seed: int) -> Tensor:
    """Return the sum of every output that depends on a parameter, times N(0, 1) drawn for one after the other."""
    generator, total = stream(seed, "data", "direction"), torch.zeros(())
    learned = {id(parameter) for parameter in model.parameters()}
    for tensor in leaves(output):
        if depends_on(tensor, learned):
            real = torch.view_as_real(tensor) if tensor.is_complex() else tensor
            total = total + (real * torch.randn(real.shape, generator=generator)).sum()
    return total


def depends_on(tensor: Tensor, leaf_ids: set[int]) -> bool:
    """Return whether a tensor was computed from any of the leaves with these ids, by autograd's graph."""
    waiting, seen = [tensor.grad_fn], set()
    while waiting:
        node = waiting.pop()
        if node is not None and node not in seen:
            seen.add(node)
            waiting += [parent for parent, _ in node.next_functions]
    return any(id(getattr(node, "variable", None)) in leaf_ids for node in seen)


@dataclass(frozen=True)
class ByHand:
    """One pass forward and backward.

    Attributes:
        calls: By the name of each module that was called, in the order of first return, what each call put out.
        gradient: Returns the gradient at a tensor of ``calls`` or at a parameter; None where none came back.
        modules: The modules by name.
        parameters: The parameters by name; one that lies in no layer has a row of its own.
    """

    calls: Mapping[str, list[Any]]
    gradient: Callable[[Tensor], Tensor | None]
    modules: Mapping[str, nn.Module]
    parameters: Mapping[str, Tensor]

    def pairs(self, name: str, call: int | None = None) -> Pairs:
        """Return what a module put out in one call, or in all, with its gradients."""
        outputs = self.calls[name] if call is None else [self.calls[name][call]]
        return [pair for output in outputs for pair in self._of_call(self.modules[name], output)]

    def _of_call(self, module: nn.Module, output: Any) -> Pairs:
        if is_recurrent(module):
            found = joined_states(module, output, self.gradient)
        else:
            found = [(tensor, self.gradient(tensor)) for tensor in leaves(output) if is_number(tensor)]
        return [pair for pair in found if pair[1] is not None] or found

    def figures(self, name: str, call: int | None = None) -> dict[str, float]:
        """Return the figures of a module's row, of one call or of all."""
        if name not in self.modules:
            return self._of_weight(self.parameters[name])
        pairs = self.pairs(name, call)
        outputs, grads = [tensor for tensor, _ in pairs], [grad for _, grad in pairs if grad is not None]
        found = {"std": std(*outputs), "max_abs": joined(outputs).abs().max().item()}
        return found | ({"grad_std": std(*grads)} if grads else {}) | self._of_weight(weight_of(self.modules[name]))

    def _of_weight(self, weight: Tensor | None) -> dict[str, float]:
        if weight is None or not weight.numel():
            return {}
        grad = self.gradient(weight)
        return {"weight_std": std(weight)} | ({} if grad is None else {"weight_grad_std": std(grad)})


def by_hand(model: nn.Module, inputs: Inputs, seed: int = 0) -> ByHand:
    """Call a network with a hook on all modules, which keeps what each puts out and hands on a copy."""
    calls: dict[str, list[Any]] = {}
    hook = nn.modules.module.register_module_forward_hook(_keep(calls, model))
    try:
        value = direction_value(called(model, _wanting_gradient(inputs)), model, seed)
    finally:
        hook.remove()
    wanted = [tensor for outputs in calls.values() for tensor in leaves(outputs)] + list(model.parameters())
    learned = list({id(tensor): tensor for tensor in wanted if tensor.requires_grad}.values())
    grads = torch.autograd.grad(value, learned, allow_unused=True)
    by_id = {id(tensor): grad for tensor, grad in zip(learned, grads, strict=True)}
    names = dict(model.named_modules()), dict(model.named_parameters())
    return ByHand(calls, lambda tensor: by_id.get(id(tensor)), *names)


def _wanting_gradient(structure: Any) -> Any:
    """Return inputs that want a gradient, by which also layers that do not learn have one at their outputs."""
    found = _copied(structure)
    for tensor in leaves(found):
        tensor.requires_grad_(is_number(tensor))
    return _copied(found)  # what wants a gradient itself may not be written over


def _keep(calls: dict[str, list[Any]], model: nn.Module) -> Callable[..., Any]:
    def hook(module: nn.Module, _args: Any, output: Any) -> Any:
        name = next((name for name, one in model.named_modules() if one is module), None)
        if name is None or is_inside_transform():  # under vmap a tensor has no numbers of its own
            return output
        calls.setdefault(name, []).append(output)
        return _copied(output)  # so that what writes over it, as an in-place ReLU does, leaves the kept one

    return hook


def is_number(tensor: Tensor) -> bool:
    """Return whether a tensor holds real or complex numbers, not whole ones."""
    return tensor.is_floating_point() or tensor.is_complex()


def joined(tensors: list[Tensor]) -> Tensor:
    """Return the numbers of several tensors as one vector of double precision."""
    vectors = [(one.to_dense() if one.is_sparse else one).detach().flatten() for one in tensors]
    return torch.cat([one.to(torch.complex128 if one.is_complex() else torch.float64) for one in vectors])


def std(*tensors: Tensor) -> float:
    """Return the root of the mean squared distance from the mean, of all their numbers."""
    values = joined(list(tensors))
    return (values - values.mean()).abs().square().mean().sqrt().item()


def weight_of(module: nn.Module) -> Tensor | None:
    """Return the parameter named weight, else the largest of a module's own; of a parametrized one what is learned."""
    if hasattr(module, "parametrizations"):
        return max(module.parametrizations["weight"].parameters(), key=Tensor.numel)
    own = dict(module.named_parameters(recurse=False))
    return own.get("weight", max(own.values(), key=Tensor.numel, default=None))
