"""One pass of a probe: forward, then back from a loss or from random directions on every output; and a second one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import Node

from normbench.errors import SettingError
from normbench.inspection.own_models.model_input import ModelInput
from normbench.inspection.watch.graph import depends_on, nodes_before
from normbench.inspection.watch.moments import Moments
from normbench.inspection.watch.norm_values import NormValues, counting_norm_values
from normbench.inspection.watch.random_states import RandomStates, random_states, set_random_states
from normbench.inspection.watch.sensitivity import Changes, Fingerprint, another, changes
from normbench.inspection.watch.tensors import dense, named_tensors
from normbench.inspection.watch.watch import Call, watching
from normbench.random_streams import stream

LossOf = Callable[[Any], Tensor]
AWAKE_STD = 0.01
"""Size that weights of 0 get for a moment, to see whether a gradient would then pass."""


@dataclass
class Output:
    """One floating-point or complex tensor of what the model put out.

    Attributes:
        tensor: The tensor itself.
        nodes: What it was computed by.
        has_gradient: Whether it depends on learned parameters.
        change: How different it is for another input; None where that is not known.
    """

    tensor: Tensor
    nodes: set[Node]
    has_gradient: bool
    change: float | None = None


@dataclass
class Pass:
    """Holds what was seen in one pass forward and backward.

    Attributes:
        calls: The calls of layers.
        norms: The values over which norms take statistics.
        outputs: What the model put out, by place.
        grads: Gradient of each learned parameter, by its id; None where it takes no part.
        awake: The same with weights that are 0 throughout set to small numbers; of those that got none before.
        changes: How different layers are for another input.
    """

    calls: Sequence[Call[Moments]]
    norms: NormValues
    outputs: dict[str, Output]
    grads: Mapping[int, Tensor | None]
    awake: Mapping[int, Tensor | None] = field(default_factory=dict)
    changes: Changes = field(default_factory=dict)


def run_pass(model: nn.Module, given: ModelInput, loss: LossOf | None, seed: int) -> Pass:
    """Send a batch forward and backward, then another batch forward to see what depends on it.

    The model is not put back afterwards.

    Raises:
        SettingError: The output has nothing to go back from.
    """
    states, leaves = random_states(model), given.changed(_leaf)
    with watching(model, Moments.of, look_at_inputs=True) as watch, counting_norm_values(model) as norms:
        with watching(model, Fingerprint.of, look_at_inputs=True) as first:
            output = leaves.changed(torch.clone).call(model)  # a copy, since a model may write over its input
        outputs = _outputs(model, output)
        prints = {place: Fingerprint.of(one.tensor) for place, one in outputs.items()}
        grads = _gradients(model, _goal(output, outputs, loss, seed), leaves.tensors())
    found = Pass(watch.calls, norms, outputs, grads)
    found.awake = _awake(model, given, loss, seed, states, grads)
    second = _second_pass(model, given, states)
    if second is not None:
        put_out, calls = second
        found.changes = changes(found.calls, first.calls, calls, given.num_samples)
        for place in outputs.keys() & put_out.keys():
            outputs[place].change = prints[place].change(put_out[place], given.num_samples)
    return found


def _leaf(tensor: Tensor) -> Tensor:
    """Return a copy that gets a gradient, so that it is gone back through layers that do not learn, too."""
    leaf = tensor.detach().clone()
    return leaf.requires_grad_(leaf.is_floating_point() or leaf.is_complex())


def _learned(model: nn.Module) -> list[nn.Parameter]:
    return [parameter for parameter in model.parameters() if parameter.requires_grad]


def _outputs(model: nn.Module, output: object) -> dict[str, Output]:
    """Return the tensors that were put out; if none depends on learned parameters, any with a gradient counts."""
    learned = _learned(model)
    found = {place: Output(one, nodes_before(one), has_gradient=False) for place, one in named_tensors(output).items()}
    for one in found.values():
        one.has_gradient = depends_on(one.nodes, learned)
    if not any(one.has_gradient for one in found.values()):
        for one in found.values():
            one.has_gradient = one.tensor.requires_grad
    return found


def _goal(output: object, outputs: Mapping[str, Output], loss: LossOf | None, seed: int) -> Tensor:
    """Return what to go back from: the loss, or the sum of outputs times random directions, where one can be gone back.

    Of complex outputs it is the real part of the product.
    """
    if loss:
        return loss(output)
    if not any(one.has_gradient for one in outputs.values()):
        rule = "must have a floating-point tensor that a gradient can be taken of"
        raise SettingError("output", rule, type(output).__name__, "Leave out detach() and no_grad() in the model.")
    generator, total = stream(seed, "data", "direction"), torch.zeros(())
    for one in outputs.values():
        if one.has_gradient:
            values = torch.view_as_real(one.tensor.resolve_conj()) if one.tensor.is_complex() else one.tensor
            direction = torch.randn(values.shape, generator=generator)
            product = (values * direction.to(values)).sum()
            total = total.to(product) + product
    return total


def _gradients(model: nn.Module, value: Tensor, leaves: Sequence[Tensor] = ()) -> dict[int, Tensor | None]:
    """Return gradients without adding them to ``grad``, where hooks of the user's might make a step of them."""
    wanted = [*(leaf for leaf in leaves if leaf.requires_grad), *_learned(model)]
    found = torch.autograd.grad(value, wanted, allow_unused=True)
    return {id(tensor): grad for tensor, grad in zip(wanted, found, strict=True)}


def is_reached(grad: Tensor | None) -> bool:
    """Return whether a gradient is there and not 0 throughout."""
    return grad is not None and bool(dense(grad).any())


def _awake(
    model: nn.Module, given: ModelInput, loss: LossOf | None, seed: int, states: RandomStates, grads: Mapping[int, Any]
) -> Mapping[int, Tensor | None]:
    """Return gradients after weights that start at 0 and learn got small values; empty where that changes nothing.

    What lies before such a weight gets a gradient of 0 in the first step alone, as in the branches of a residual
    network whose last norm starts at 0, or in LoRA. It is not cut off.
    """
    named = dict(model.named_parameters())
    waiting = [
        p for name, p in named.items() if not name.endswith("bias") and is_reached(grads.get(id(p))) and not p.any()
    ]
    if not waiting or all(is_reached(grads[id(p)]) for p in _learned(model)):
        return {}
    generator = stream(0, "awake")
    with torch.no_grad():
        for parameter in waiting:
            parameter.copy_(AWAKE_STD * torch.randn(parameter.shape, generator=generator))
    set_random_states(states)
    output = given.changed(torch.clone).call(model)
    found = _gradients(model, _goal(output, _outputs(model, output), loss, seed))
    with torch.no_grad():
        for parameter in waiting:
            parameter.zero_()
    return found


def _second_pass(
    model: nn.Module, given: ModelInput, states: RandomStates
) -> tuple[dict[str, Fingerprint], list[Call[Fingerprint]]] | None:
    """Send another input through; return fingerprints of outputs and layers, None where the model takes no other."""
    other = given.changed(another)
    if given.is_same_in_all_samples() or all(map(torch.equal, given.tensors(), other.tensors())):
        return None
    set_random_states(states)
    try:
        with watching(model, Fingerprint.of, look_at_inputs=True) as watch:
            output = other.changed(_leaf).changed(torch.clone).call(model)
    except Exception:  # noqa: BLE001 - the foreign model may refuse what was made up; then nothing is said
        return None
    return {place: Fingerprint.of(tensor) for place, tensor in named_tensors(output).items()}, watch.calls
