"""Makes the norm that is to stand in the place of another, with what must be around it."""

from collections.abc import Collection
from dataclasses import dataclass, replace

from torch import nn

from normbench.models.base import build_norm
from normbench.norm_swap.audit import Site
from normbench.norm_swap.inheritance import spec_in_place_of
from normbench.norm_swap.layers import ByName, Copy, Followed, Rearranged, channels_first, is_channels_first
from normbench.norm_swap.norm_argument import ArgumentPlace
from normbench.norm_swap.places import NormPlace
from normbench.norm_swap.sites import Found
from normbench.norm_swap.transplant import share_hooks, transplant
from normbench.norms.base import NormSpec


@dataclass(frozen=True)
class Replacement:
    """A norm of a network and what stands in its place.

    Attributes:
        found: The norm that is replaced.
        norm: The new norm.
        module: It, with what is wrapped around it.
        site: What is told of both.
    """

    found: Found
    norm: nn.Module
    module: nn.Module
    site: Site


def replacement(found: Found, spec: NormSpec, said: Collection[str]) -> Replacement:
    """Make the norm for one place; nothing is changed yet.

    Raises:
        SettingError: The norm does not fit there; with the place.
    """
    in_place, inherited = spec_in_place_of(spec, found.site.kind, found.site.settings, said)
    norm = _built(in_place, found)
    left = _settled(norm, found)
    copies = ("copies what it gets, since something writes into what it puts out",) if isinstance(norm, Copy) else ()
    module = _wrapped(norm, found)
    share_hooks(found.module, module)
    _set_mode(module, found)
    num_groups = getattr(norm, "num_groups", None)
    site = replace(
        found.site,
        becomes=type(norm).__name__,
        norm_path=".".join((found.site.path, *_steps_to(norm, module))),
        new_settings={key: in_place.setting(key) for key in in_place.setting_names()},
        groups=(num_groups, found.site.num_features // num_groups) if isinstance(num_groups, int) else None,
        notes=(*found.site.notes, *inherited, *left, *copies),
    )
    return Replacement(found, norm, module, site)


def _settled(norm: nn.Module, found: Found) -> tuple[str, ...]:
    """Give a norm its device and number format, and what the norm in its place has learned; say what is not taken."""
    seen, old = found.seen, found.module
    if isinstance(old, NormPlace) and not (isinstance(old, ArgumentPlace) and old.is_set):
        norm.to(device=seen.device, dtype=old.dtype or seen.dtype)
        return ()
    return transplant(old, norm, seen.device, seen.dtype, is_known=found.is_place or bool(found.site.kind))


def _built(spec: NormSpec, found: Found) -> nn.Module:
    """Make the norm; where it is called with several shapes, it must take each of them."""
    shapes = [channels_first(shape, found.rows_axis, found.channel_axis) for shape in found.site.shapes]
    per_step = found.site.rows_per_sample != 1
    norm, *_ = [build_norm(spec, shape, found.site.path, per_step=per_step) for shape in shapes]
    if isinstance(norm, nn.Identity) and (found.site.tail or found.seen.is_changed_in_place):
        copy = Copy()
        copy.built_from, copy.feature_shape = norm.built_from, norm.feature_shape
        return copy
    return norm


def _wrapped(norm: nn.Module, found: Found) -> nn.Module:
    module = norm
    if not isinstance(norm, nn.Identity) and not all(
        is_channels_first(shape, found.rows_axis, found.channel_axis) for shape in found.site.shapes
    ):
        module = Rearranged(norm, found.rows_axis, found.channel_axis)
    tail = {name: found.module.get_submodule(name) for name in found.site.tail}
    module = Followed(module, tail) if tail else module
    return ByName(module, found.seen.keyword) if found.seen.keyword else module


def _set_mode(module: nn.Module, found: Found) -> None:
    """Set all that is new to the mode of the norm that it replaces; what acted on its output has its own."""
    kept = {part for name in found.site.tail for part in found.module.get_submodule(name).modules()}
    for part in module.modules():
        part.training = part.training if part in kept else found.module.training


def _steps_to(norm: nn.Module, module: nn.Module) -> tuple[str, ...]:
    return next((tuple(name.split(".")) for name, one in module.named_modules() if one is norm and name), ())
