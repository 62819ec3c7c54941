"""Gives the callable of the user's own network an argument that makes its norms, and looks at what it made with it."""

import inspect
from collections.abc import Iterable, Mapping
from dataclasses import replace

import torch
from torch import Tensor, nn

from normbench.errors import SettingError, did_you_mean
from normbench.models.own import OwnSpec
from normbench.norm_swap.audit import Audit
from normbench.norm_swap.norm_argument import KEY, WAY_OUT, NormArgument
from normbench.own_code.running import load_own
from normbench.study.config import RunConfig


def norm_argument_of(config: RunConfig, spec: OwnSpec) -> dict[str, NormArgument]:
    """Return the argument with which the callable makes its norms in an arm, by its name; none where they are kept.

    Raises:
        SettingError: The callable has no such argument, or it stands among its settings too.
    """
    name = config.swap.norm_argument
    if name is None or config.norm.name == "kept":
        return {}
    if name in spec.settings:
        raise SettingError(KEY, "must not stand under model.settings too", name, "Remove it there.")
    _check_taken(spec, name)
    return {name: NormArgument(name)}


def _check_taken(spec: OwnSpec, name: str) -> None:
    try:
        known = inspect.signature(load_own(spec.maker, spec.folder, "build")).parameters
    except (TypeError, ValueError):
        return  # of no Python function; the call will tell
    if name in known or any(one.kind is one.VAR_KEYWORD for one in known.values()):
        return
    has = f"It has {', '.join(known)}." if known else "It has none."
    raise SettingError(KEY, f"must be an argument of {spec.maker}", name, f"{did_you_mean(name, known)} {has}".strip())


def check_used(arguments: Mapping[str, NormArgument]) -> None:
    """Refuse an argument with which no norm was made.

    Raises:
        SettingError: With its name.
    """
    for name, argument in arguments.items():
        if not argument.num_made:
            raise SettingError(KEY, "must make the network's norms, it was not called", name, WAY_OUT)


def compared_with_kept(config: RunConfig, network: nn.Module, audit: Audit, kept: nn.Module, of_kept: Audit) -> Audit:
    """Return the audit of a network whose norms an argument made, with what else differs from the one without it.

    Args:
        config: The arm's settings.
        network: Its network with the initial weights of a seed.
        audit: The norms in it.
        kept: The network that the callable makes at that seed without the argument.
        of_kept: The norms in that.

    Raises:
        SettingError: No norm that was made is called, or other activation functions run than without it.
    """
    name = config.swap.norm_argument
    if name is None:
        return audit
    if not any(site.origin and site.becomes for site in audit.sites):
        raise SettingError(KEY, "must make norms that the network calls, it calls none of them", name, WAY_OUT)
    if audit.num_activations != of_kept.num_activations:
        rule = f"must leave activation functions as they are; without it {of_kept.num_activations} run"
        raise SettingError(KEY, f"{rule}, with it {audit.num_activations}", name, WAY_OUT)
    ours, theirs = _outside(network, audit), _outside(kept, of_kept)
    return replace(
        audit,
        num_parameters=(of_kept.num_parameters[0], audit.num_parameters[1]),
        elsewhere=_difference(ours, theirs),
    )


def _outside(network: nn.Module, audit: Audit) -> dict[str, Tensor]:
    """Return the parameters of a network that lie in none of its norms."""
    norms = tuple(f"{path}." for site in audit.sites for path in (site.path, *site.aliases) if path)
    return {name: one for name, one in network.named_parameters() if not name.startswith(norms)}


def _difference(ours: Mapping[str, Tensor], theirs: Mapping[str, Tensor]) -> str:
    """Say how many of the parameters are the same with the argument and without it."""
    common = [name for name in ours if name in theirs and ours[name].shape == theirs[name].shape]
    equal = [name for name in common if torch.equal(ours[name], theirs[name])]
    others = sorted({*ours, *theirs} - {*equal})
    if not others:
        return "equal to those with its own norms"
    return f"{len(equal)} equal to those with its own norms, {len(others)} not ({_first(others)})"


def _first(names: Iterable[str]) -> str:
    shown, *more = names
    return f"{shown} and {len(more)} more" if more else shown
