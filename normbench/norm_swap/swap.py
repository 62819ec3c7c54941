"""Puts a norm in the place of those that a network has, checks what runs afterwards, and lists what was found."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

from torch import nn

from normbench.any_module.model_input import ModelInput
from normbench.any_module.plain_execution import same_global_random_states_after
from normbench.any_module.random_states import same_random_states_after
from normbench.errors import SettingError, known_names
from normbench.norm_swap.afterwards import check_afterwards
from normbench.norm_swap.audit import Audit
from normbench.norm_swap.choice import choose
from normbench.norm_swap.exchange import exchange
from normbench.norm_swap.failures import Failures
from normbench.norm_swap.insertion import make_places_after
from normbench.norm_swap.inventory import loose_norms, not_touched, num_parameters
from normbench.norm_swap.replacement import Replacement, replacement
from normbench.norm_swap.sites import Found, find_norms
from normbench.norm_swap.swappable import materialize, refuse_unswappable, refuse_without_numbers
from normbench.norm_swap.trace import Trace, trace
from normbench.norms.base import NormSpec
from normbench.parts import find_specs


def swap_norms(
    model: nn.Module,
    norm: NormSpec | str | Mapping[str, Any],
    sample: Any,
    *,
    where: Collection[str] | None = None,
    said: Collection[str] | None = None,
    insert_after: Collection[str] = (),
    may_find_none: bool = False,
) -> Audit:
    """Put a norm in the place of those that a model has; all else of it, and random states, stay bit for bit.

    The norms are found by a batch that is sent through the model: by their class, or, where that has a forward of its
    own, by what they compute. Each is replaced under all its names by one that has its eps, momentum, affine and, of
    the same kind, running statistics, unless these were said; weight and bias are the very parameters, where shapes
    agree. Channels that come last are moved. What a norm calls on its own output, such as an activation, is kept.

    Args:
        model: Any module, which is changed in place; after an error it is as it was.
        norm: A norm's settings, or its name: ``group_norm``, ``none``, ``kept``, which changes nothing.
        sample: A batch: (N, ...); a tuple of what forward takes by position; or a dict of what it takes by name.
        where: Names or classes of the norms to replace, with * and ?; None for all.
        said: Names of the norm's settings that are not taken over from the replaced norms; by default those that
            ``norm`` was made with.
        insert_after: Names or classes of layers with weights that get a norm after them, with * and ?; not with
            ``none``. There need then be no norm to replace.
        may_find_none: Whether a network without norms is taken too.

    Raises:
        SettingError: No norm is found, the norm does not fit everywhere, the model cannot be changed so, or does not
            run as it did; with all places.

    Example:
        >>> import torch
        >>> model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8, eps=1e-3), nn.ReLU())
        >>> audit = swap_norms(model, "group_norm", torch.randn(4, 3, 6, 6))
        >>> type(model[1]).__name__, model[1].eps
        ('GroupNorm', 0.001)
        >>> audit.sites[0].groups
        (2, 4)
    """
    spec = _spec(norm)
    said = spec.model_fields_set if said is None else said
    refuse_without_numbers(model) if spec.name == "kept" else refuse_unswappable(model)
    given = ModelInput.of(sample, model)
    materialize(model, given)
    if spec.name == "kept":
        before = trace(model, given)
        return _audit(model, spec, find_norms(model, before), before, [], num_parameters(model))
    put_back = ExitStack()
    try:
        put_back.callback(make_places_after(model, given, insert_after))
        if spec.name == "none":
            put_back.close()
        return _replace(model, spec, given, where, said, put_back, may_have_none=bool(insert_after) or may_find_none)
    except BaseException:
        put_back.close()
        raise


def _replace(
    model: nn.Module,
    spec: NormSpec,
    given: ModelInput,
    where: Collection[str] | None,
    said: Collection[str],
    put_back: ExitStack,
    *,
    may_have_none: bool,
) -> Audit:
    """Put a norm in the place of others, and in places that are free; note in ``put_back`` what undoes it."""
    before = trace(model, given)
    found = find_norms(model, before)
    loose = loose_norms(model, found, before)
    chosen = choose(found, where, loose, spec.name, may_have_none=may_have_none)
    num_before = num_parameters(model)
    with same_random_states_after(model), same_global_random_states_after():
        made = _make(chosen, spec, said)
        put_back.callback(exchange(model, {one.found.module: one.module for one in made}))
        check_afterwards(model, given, before, made)
    return _audit(model, spec, found, before, made, num_before)


def _spec(norm: NormSpec | str | Mapping[str, Any]) -> NormSpec:
    if isinstance(norm, NormSpec):
        return norm
    settings = {"name": norm} if isinstance(norm, str) else dict(norm)
    known = find_specs("normbench.norms")
    name = settings.get("name", "")
    if name not in known:
        raise SettingError("norm.name", "must be a known name", name, known_names(name, known))
    spec = known[name].model_validate(settings)
    assert isinstance(spec, NormSpec)
    return spec


def _make(chosen: Sequence[Found], spec: NormSpec, said: Collection[str]) -> list[Replacement]:
    """Make the norms for all places.

    Raises:
        SettingError: With all places where the norm does not fit.
    """
    made, failures = [], Failures(spec)
    for one in chosen:
        with failures.at(one.site):
            made.append(replacement(one, spec, said))
    failures.raise_if_any()
    return made


def _audit(
    model: nn.Module,
    spec: NormSpec,
    found: Sequence[Found],
    before: Trace,
    made: Sequence[Replacement],
    num_before: int,
) -> Audit:
    replaced = {one.found.module: one.site for one in made}
    return Audit(
        norm=spec.name,
        sites=tuple(replaced.get(one.module, one.site) for one in found if one.is_norm or one.module in replaced),
        loose=loose_norms(model, found, before),
        not_touched=not_touched(found, replaced),
        num_parameters=(num_before, num_parameters(model)),
        num_activations=before.activations.total(),
    )
