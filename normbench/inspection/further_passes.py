"""Further passes of a probe: what another input changes, and what a gradient reaches in other circumstances."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from normbench.any_module.model_input import ModelInput
from normbench.any_module.random_states import generators
from normbench.any_module.restore import leaving_unchanged
from normbench.any_module.tensors import dense, named_tensors
from normbench.inspection.probe_pass import (
    Grads,
    LossOf,
    Pass,
    is_reached,
    leaf,
    learned_by,
    plain_gradients,
    run_pass,
)
from normbench.inspection.watch.layers import LOOKUPS
from normbench.inspection.watch.sensitivity import Changes, Fingerprint, another, changes
from normbench.inspection.watch.watch import watching
from normbench.random_streams import stream

AWAKE_STD = 0.01
"""Size that weights of 0 get for a moment, to see whether a gradient would then pass."""
MOST_PASSES = 8
MANY_UNITS = 0.5
"""Share of a weight's rows without a gradient from which on it is looked at again."""


@dataclass(frozen=True)
class Seen:
    """Holds what was seen of a model in its first pass and in further ones.

    Attributes:
        first: The first pass.
        grads: Gradients of the first pass, then of further ones.
        changes: How different layers are for another input.
        output_changes: The same of what the model put out, by place.
    """

    first: Pass
    grads: Sequence[Grads]
    changes: Changes
    output_changes: Mapping[str, float]


def look_at(model: nn.Module, given: ModelInput, loss: LossOf | None, seed: int) -> Seen:
    """Make the passes of a probe; after each the model is as it was before.

    Raises:
        SettingError: The output has nothing to go back from, or a norm refuses the batch.
    """
    with leaving_unchanged(model):
        first = run_pass(model, given, loss, seed)
    return Seen(first, _grads_of_all_passes(model, given, loss, seed, first), *_changes(model, given, first))


def _changes(model: nn.Module, given: ModelInput, first: Pass) -> tuple[Changes, dict[str, float]]:
    """Send another input through; return how different layers and outputs are, nothing if the model takes no other."""
    other = given.changed(another)
    if given.is_same_in_all_samples() or all(map(_is_same, given.tensors(), other.tensors())):
        return {}, {}
    try:
        with leaving_unchanged(model), watching(model, Fingerprint.of, look_at_inputs=True) as watch:
            output = other.changed(leaf).changed(torch.clone).call(model)
    except Exception:  # noqa: BLE001 - the foreign model may refuse what was made up; then nothing is said
        return {}, {}
    put_out = {place: Fingerprint.of(tensor) for place, tensor in named_tensors(output).items() if tensor.numel()}
    known = {place: Fingerprint.of(one.tensor) for place, one in first.outputs.items() if one.tensor.numel()}
    both = [place for place in known if place in put_out]
    of_outputs = {place: known[place].change(put_out[place], given.num_samples) for place in both}
    return changes(first.calls, first.prints, watch.calls, given.num_samples), of_outputs


def _is_same(one: Tensor, other: Tensor) -> bool:
    return one is other or torch.equal(one, other)


def _grads_of_all_passes(
    model: nn.Module, given: ModelInput, loss: LossOf | None, seed: int, first: Pass
) -> list[Grads]:
    """Return the gradients of the first pass, and of others while some parameter got none, or few of its units one.

    A first step may leave out what others reach: what lies before a weight that starts at 0, as in LoRA or behind the
    last norm of a residual branch; a branch that is dropped at random; an expert or a unit that no sample of this batch
    was sent to. So weights of 0 get small values, the first time with all else as it was, and then also other inputs
    and other random numbers are used.
    """
    found: list[Grads] = [first.grads]
    for number in range(MOST_PASSES):
        if not any(_is_left_out(model, found)):
            break
        grads = _another_pass(model, given, loss, seed, number, _asleep(model, found))
        if grads is not None:
            found.append(grads)
    return found


def _is_left_out(model: nn.Module, found: Sequence[Grads]) -> list[bool]:
    lookups = {id(p) for module in model.modules() if isinstance(module, LOOKUPS) for p in module.parameters()}
    learned = [parameter for parameter in learned_by(model) if parameter.numel() and id(parameter) not in lookups]
    return [share_without_gradient([grads.get(id(p)) for grads in found], 0) > MANY_UNITS for p in learned]


def share_without_gradient(grads: Sequence[Tensor | None], axis: int) -> float:
    """Return the share of a weight's units, along an axis, to which no pass brought a gradient."""
    reached = [dense(grad) for grad in grads if grad is not None]
    if not reached:
        return 1.0
    if reached[0].dim() < 2:
        return 0.0 if any(map(is_reached, reached)) else 1.0
    is_zero = torch.stack([(grad == 0).movedim(axis, 0).flatten(1).all(1) for grad in reached]).all(0)
    return is_zero.double().mean().item()


def _asleep(model: nn.Module, found: Sequence[Grads]) -> list[nn.Parameter]:
    """Return the weights that are 0 throughout and get a gradient, so that a first step wakes them."""
    named = [(name, p) for name, p in model.named_parameters() if p.requires_grad and not name.endswith("bias")]
    return [p for _, p in named if not p.any() and any(is_reached(grads.get(id(p))) for grads in found)]


def _another_pass(
    model: nn.Module, given: ModelInput, loss: LossOf | None, seed: int, number: int, asleep: Sequence[nn.Parameter]
) -> Grads | None:
    generator, inputs = stream(0, "awake"), given
    try:
        with leaving_unchanged(model):
            with torch.no_grad():
                for parameter in asleep:
                    parameter.copy_(AWAKE_STD * torch.randn(parameter.shape, generator=generator))
            if number or not asleep:
                inputs = given.changed(lambda tensor: another(tensor, number))
                for one in generators(model):
                    one.manual_seed(number)
            return plain_gradients(model, inputs, loss, seed)
    except Exception:  # noqa: BLE001 - the foreign model may refuse it; then nothing more is known
        return None
