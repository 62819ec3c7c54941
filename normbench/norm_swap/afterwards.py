"""Checks a network after norms were replaced: what ran before must run as often, and nothing that was replaced."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn

from normbench.any_module.model_input import ModelInput
from normbench.any_module.tensors import is_finite, named_tensors
from normbench.errors import SettingError
from normbench.norm_swap.passes import backward, forward, undisturbed
from normbench.norm_swap.recorder import Frame, Recorder
from normbench.norm_swap.replacement import Replacement
from normbench.norm_swap.trace import Trace

WAY_OUT = "Replace fewer norms by swap.where, or change the network."
OWN_WAY_OUT = "normbench check-norm {} says what it lacks."


@dataclass
class Afterwards:
    """What ran after norms were replaced: calls of norms by pass, activation functions, outputs, changed shapes."""

    calls: dict[str, Counter[nn.Module]] = field(default_factory=dict)
    num_activations: int = 0
    with_gradient: set[nn.Parameter] = field(default_factory=set)
    not_finite: tuple[str, ...] = ()
    reshaped: dict[nn.Module, str] = field(default_factory=dict)


def check_afterwards(network: nn.Module, given: ModelInput, before: Trace, made: Sequence[Replacement]) -> None:
    """Send the same batch through the network, in training and in evaluation, and compare with the passes before.

    Raises:
        SettingError: A norm that was replaced still runs, a new one runs more or less often than it did, other
            activation functions run, a parameter gets no gradient any more, or an output is not finite; or the network
            fails, as where it reads an attribute of a norm.
    """
    try:
        after = _afterwards(network, given, made)
    except SettingError as error:
        raise _refusal(f"{error.rule}, with the new norms", made) from error
    wrong = [
        *_still_running(network, after, made),
        *_other_calls(after, made),
        *_other_shapes(after, made),
        *_other_activations(after, before, made),
        *_without_gradient(network, after, before),
        *(f"the output of {name} is not finite" for name in after.not_finite),
    ]
    if wrong:
        raise _refusal(f"must leave all else as it was; {'; '.join(wrong)}", made)


def _refusal(rule: str, made: Sequence[Replacement]) -> SettingError:
    """Return the error of a norm that does not do; one of the user's own has a command that says why."""
    built_from: Any = made[0].norm.built_from if made else None
    layer = getattr(built_from.spec, "layer", None) if made else None
    if layer:
        return SettingError("norm.layer", rule, layer, OWN_WAY_OUT.format(layer))
    return SettingError("norm.name", rule, built_from.spec.name if made else "none", WAY_OUT)


def _afterwards(network: nn.Module, given: ModelInput, made: Sequence[Replacement]) -> Afterwards:
    after = Afterwards({name: Counter() for name in ("training", "the backward pass", "evaluation")})
    watched = {module for one in made for module in (one.norm, one.found.module)}
    now = after.calls["training"]

    def see(frame: Frame) -> None:
        now[frame.module] += 1
        x, y = frame.x, frame.output
        if isinstance(x, Tensor) and isinstance(y, Tensor) and x.shape != y.shape:
            after.reshaped[frame.module] = f"{tuple(x.shape)} into {tuple(y.shape)}"

    # New norms may draw random numbers, and layers after them drop paths by those that come next.
    with undisturbed(network), Recorder(watched.__contains__, see, quiet=[one.norm for one in made]) as recorder:
        output = forward(network, given, recorder, training=True)
        after.num_activations = _num_activations(recorder.activations, made)
        now = after.calls["the backward pass"]
        backward(network, output, recorder)
        after.with_gradient = {parameter for parameter in network.parameters() if parameter.grad is not None}
        now = after.calls["evaluation"]
        evaluated = forward(network, given, recorder, training=False)
        after.not_finite = tuple(_not_finite(training=output, evaluation=evaluated))
    return after


def _not_finite(**outputs: Any) -> Iterator[str]:
    for name, output in outputs.items():
        if not is_finite(*named_tensors(output).values()):
            yield name


def _num_activations(counted: Counter[nn.Module | None], made: Sequence[Replacement]) -> int:
    """Return how many activation functions ran outside of the old and the new norms' own computation."""
    inside = {module for one in made for module in (*one.norm.modules(), one.found.module)}
    return sum(number for module, number in counted.items() if module not in inside)


def _still_running(network: nn.Module, after: Afterwards, made: Sequence[Replacement]) -> Iterator[str]:
    for one in made:
        if any(calls[one.found.module] for calls in after.calls.values()):
            yield f"the replaced norm {one.site.path} still ran{_where_held(network, one.found.module)}"


def _where_held(network: nn.Module, norm: nn.Module) -> str:
    """Say which attribute still holds a norm: ", held by Net.norms"."""
    for module in network.modules():
        for name, value in vars(module).items():
            inside = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
            if not name.startswith("_") and (value is norm or any(part is norm for part in inside)):
                return f", held by {type(module).__name__}.{name}: use nn.ModuleList"
    return ""


def _other_calls(after: Afterwards, made: Sequence[Replacement]) -> Iterator[str]:
    for one in made:
        before = (one.site.calls, one.site.calls_in_backward, one.site.calls_in_eval)
        for (name, calls), number in zip(after.calls.items(), before, strict=True):
            if calls[one.norm] != number and not calls[one.found.module]:
                yield f"the norm in place of {one.site.path} ran {calls[one.norm]} times in {name}, not {number}"


def _other_shapes(after: Afterwards, made: Sequence[Replacement]) -> Iterator[str]:
    for one in made:
        if one.norm in after.reshaped:
            yield f"the norm in place of {one.site.path} turned {after.reshaped[one.norm]}"


def _other_activations(after: Afterwards, before: Trace, made: Sequence[Replacement]) -> Iterator[str]:
    number = _num_activations(before.activations, made)
    if after.num_activations != number:
        yield f"{after.num_activations} activation functions ran, not {number}"


def _without_gradient(network: nn.Module, after: Afterwards, before: Trace) -> Iterator[str]:
    names = [name for name, one in network.named_parameters() if one in before.with_gradient - after.with_gradient]
    if names:
        yield f"{len(names)} parameters get no gradient any more, the first {names[0]}"
