"""One pass of a probe: forward, then back from a loss or from random directions on every output."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import Node

from normbench.any_module.model_input import ModelInput
from normbench.any_module.tensors import dense, named_tensors
from normbench.errors import SettingError
from normbench.inspection.watch.graph import depends_on, nodes_before
from normbench.inspection.watch.moments import Moments
from normbench.inspection.watch.norm_values import NormValues, counting_norm_values
from normbench.inspection.watch.sensitivity import Fingerprint
from normbench.inspection.watch.watch import Call, watching
from normbench.random_streams import stream

LossOf = Callable[[Any], Tensor]
Grads = Mapping[int, Tensor | None]
"""By the id of their parameter; None where it takes no part."""
MOST_OUTPUTS = 64
"""Of more outputs, as of a list with one for each step, the first are followed back through the graph."""


@dataclass
class Output:
    """One floating-point or complex tensor of what the model put out.

    Attributes:
        tensor: The tensor itself.
        nodes: What it was computed by.
        has_gradient: Whether it depends on learned parameters.
    """

    tensor: Tensor
    nodes: set[Node]
    has_gradient: bool


@dataclass
class Pass:
    """Holds what was seen in one pass forward and backward.

    Attributes:
        calls: The calls of layers.
        prints: The same calls, by fingerprints.
        norms: The values over which norms take statistics.
        outputs: What the model put out, by place.
        grads: Gradient of each learned parameter.
    """

    calls: Sequence[Call[Moments]]
    prints: Sequence[Call[Fingerprint]]
    norms: NormValues
    outputs: dict[str, Output]
    grads: Grads


def run_pass(model: nn.Module, given: ModelInput, loss: LossOf | None, seed: int) -> Pass:
    """Send a batch forward and backward. The model is not put back afterwards.

    Raises:
        SettingError: The output has nothing to go back from, or a norm refuses the batch.
    """
    modules = set(model.modules())
    found = _watched_pass(model, given, loss, seed)
    if set(model.modules()) - modules:  # it makes layers when it is called first: now they are there to be watched
        found = _watched_pass(model, given, loss, seed)
    return found


def _watched_pass(model: nn.Module, given: ModelInput, loss: LossOf | None, seed: int) -> Pass:
    leaves = given.changed(leaf)
    with watching(model, Moments.of, look_at_inputs=True) as watch, counting_norm_values(model) as norms:
        with watching(model, Fingerprint.of, look_at_inputs=True) as prints:
            output = leaves.changed(torch.clone).call(model)  # a copy, since a model may write over its input
        outputs = _outputs(model, output)
        grads = gradients(model, goal(output, outputs, loss, seed), leaves.tensors())
    return Pass(watch.calls, prints.calls, norms, outputs, grads)


def plain_gradients(model: nn.Module, given: ModelInput, loss: LossOf | None, seed: int) -> Grads:
    """Return the gradients of one pass in which nothing is watched."""
    output = given.changed(torch.clone).call(model)
    return gradients(model, goal(output, _outputs(model, output), loss, seed))


def leaf(tensor: Tensor) -> Tensor:
    """Return a copy that gets a gradient, so that it is gone back through layers that do not learn, too."""
    found = tensor.detach().clone()
    return found.requires_grad_(found.is_floating_point() or found.is_complex())


def learned_by(model: nn.Module) -> list[nn.Parameter]:
    """Return the parameters that are to learn."""
    return [parameter for parameter in model.parameters() if parameter.requires_grad]


def _outputs(model: nn.Module, output: object) -> dict[str, Output]:
    """Return the tensors that were put out; if none depends on learned parameters, any with a gradient counts."""
    learned, found = learned_by(model), {}
    for number, (place, tensor) in enumerate(named_tensors(output).items()):
        is_followed = number < MOST_OUTPUTS
        nodes = nodes_before(tensor) if is_followed else set()
        found[place] = Output(tensor, nodes, depends_on(nodes, learned) if is_followed else tensor.requires_grad)
    if not any(one.has_gradient for one in found.values()):
        for one in found.values():
            one.has_gradient = one.tensor.requires_grad
    return found


def goal(output: object, outputs: Mapping[str, Output], loss: LossOf | None, seed: int) -> Tensor:
    """Return what to go back from: the loss, or the sum of outputs times random directions, where one can be gone back.

    Of complex outputs it is the real part of the product.

    Raises:
        SettingError: There is no loss, and no output that can be gone back from.
    """
    if loss:
        return loss(output)
    if not any(one.has_gradient for one in outputs.values()):
        rule = "must have a floating-point tensor that a gradient can be taken of"
        way_out = "Leave out detach() and no_grad() in the model."
        if not outputs:
            way_out = "Let forward return tensors, alone or in tuples, dicts or dataclasses."
        raise SettingError("output", rule, type(output).__name__, way_out)
    generator, total = stream(seed, "data", "direction"), torch.zeros(())
    for one in outputs.values():
        if one.has_gradient:
            values = torch.view_as_real(one.tensor.resolve_conj()) if one.tensor.is_complex() else one.tensor
            direction = torch.randn(values.shape, generator=generator)
            product = (values * direction.to(values)).sum()
            total = total.to(product) + product
    return total


def gradients(model: nn.Module, value: Tensor, leaves: Sequence[Tensor] = ()) -> dict[int, Tensor | None]:
    """Return gradients without adding them to ``grad``, where hooks of the user's might make a step of them."""
    wanted = [*(one for one in leaves if one.requires_grad), *learned_by(model)]
    found = torch.autograd.grad(value, wanted, allow_unused=True)
    return {id(tensor): grad for tensor, grad in zip(wanted, found, strict=True)}


def is_reached(grad: Tensor | None) -> bool:
    """Return whether a gradient is there and not 0 throughout."""
    return grad is not None and bool(dense(grad).any())
