"""Makes places for norms after layers of a network that are named."""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from fnmatch import fnmatchcase

from torch import Tensor, nn

from normbench.any_module.model_input import ModelInput
from normbench.any_module.plain_execution import forget_compiled_code
from normbench.errors import SettingError, did_you_mean
from normbench.norm_swap.layer_calls import LayerCalls, channel_axis_of, layer_calls, layers_with_weights
from normbench.norm_swap.places import INSERTED_NAME, CallInserted, NormPlace
from normbench.norm_swap.table import listed

KEY = "swap.insert.after"
SHOWN = 8
"""Names of layers that a way out writes out."""
Names = Mapping[nn.Module, tuple[str, ...]]


def make_places_after(network: nn.Module, given: ModelInput, patterns: Collection[str]) -> Callable[[], None]:
    """Put a place for a norm after each layer with weights that patterns match, by name or class.

    It is a module of the layer, ``conv1.inserted_norm``, that a hook of the layer calls: the layer, its class, its
    weight and the names of all that was there before stay as they are. Compiled code, which knows no later hooks, is
    compiled anew.

    Returns:
        What takes them away again.

    Raises:
        SettingError: A pattern matches no layer, or a norm cannot stand after one; with all of these.
    """
    if not patterns:
        return lambda: None
    names = layers_with_weights(network)
    chosen = _chosen(names, patterns)
    calls = layer_calls(network, given, names)
    reasons = {layer: _refusal(layer, names[layer], calls, patterns) for layer in chosen}
    if any(reasons.values()):
        raise _refused(reasons, names, patterns)
    take_away = ExitStack()
    for layer in chosen:
        hook = layer.register_forward_hook(CallInserted())
        take_away.callback(hook.remove)
        layer.add_module(INSERTED_NAME, _place(layer, calls.outputs[layer]))
        take_away.callback(delattr, layer, INSERTED_NAME)
    forget_compiled_code()
    take_away.callback(forget_compiled_code)
    return take_away.close


def _place(layer: nn.Module, output: Tensor) -> NormPlace:
    dtype = next(parameter.dtype for parameter in layer.parameters())
    return NormPlace(channel_axis_of(layer, output), dtype).train(layer.training)


def _chosen(names: Names, patterns: Collection[str]) -> list[nn.Module]:
    for pattern in patterns:
        if not any(_is_matched(layer, own, pattern) for layer, own in names.items()):
            raise _matches_nothing(pattern, names)
    return [layer for layer, own in names.items() if any(_is_matched(layer, own, pattern) for pattern in patterns)]


def _is_matched(layer: nn.Module, names: Sequence[str], pattern: str) -> bool:
    return any(fnmatchcase(name, pattern) for name in (*names, type(layer).__name__))


def _matches_nothing(pattern: str, names: Names) -> SettingError:
    classes = sorted({type(layer).__name__ for layer in names})
    known = [*classes, *(name for own in names.values() for name in own)]
    meant = f"{did_you_mean(pattern, known)} The network has {', '.join(classes) or 'none'}.".strip()
    rule = "must match a layer with weights of the network, by its name or its class"
    return SettingError(KEY, rule, pattern, meant)


def _refusal(layer: nn.Module, names: Sequence[str], calls: LayerCalls, patterns: Collection[str]) -> str:
    """Return why no norm can stand after a layer; "" where one can."""
    if layer not in calls.outputs:
        return "is never called: it is not used, or another module computes with its weight"
    output = calls.outputs[layer]
    if not isinstance(output, Tensor):
        return f"puts out a {type(output).__name__}, and no single tensor"
    if not output.is_floating_point() or output.dim() <= 1:
        return "puts out no numbers with an axis of channels"
    if hasattr(layer, INSERTED_NAME):
        return f"has a module of the name {INSERTED_NAME}"
    if "" in names:
        return "is the network itself"
    return "makes the output" if layer in calls.of_output and not set(names) & set(patterns) else ""


def _refused(reasons: Mapping[nn.Module, str], names: Names, patterns: Collection[str]) -> SettingError:
    by_reason: dict[str, list[str]] = {}
    for layer, reason in reasons.items():
        if reason:
            by_reason.setdefault(reason, []).append(f"{names[layer][0] or 'one'} ({type(layer).__name__})")
    texts = [f"{listed(ones)} {reason}" for reason, ones in by_reason.items()]
    rule = f"must name layers after which a norm can stand; {'; '.join(texts)}"
    return SettingError(KEY, rule, list(patterns), _way_out(reasons, names))


def _way_out(reasons: Mapping[nn.Module, str], names: Names) -> str:
    fit = [names[layer][0] for layer, reason in reasons.items() if not reason]
    others = "Name the others" + (f": {', '.join(fit)}" if 0 < len(fit) <= SHOWN else "") if fit else ""
    head = next((names[layer][0] for layer, reason in reasons.items() if reason == "makes the output"), "")
    exactly = f"write {head} to have one there" if head else ""
    ways = " or ".join(way for way in (others, exactly) if way) or "Name other layers"
    return f"{ways[0].upper()}{ways[1:]}."
