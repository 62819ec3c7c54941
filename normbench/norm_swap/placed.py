"""PlacedNorm: a norm of a network as it runs now, with the settings that normbench's norm of its kind would have."""

from dataclasses import dataclass
from typing import Any

from torch import nn

from normbench.any_module.model_input import ModelInput
from normbench.errors import SettingError
from normbench.norm_swap.audit import Site
from normbench.norm_swap.inheritance import spec_in_place_of
from normbench.norm_swap.same_kind import same_kind_spec
from normbench.norm_swap.sites import Found, find_norms
from normbench.norm_swap.trace import trace
from normbench.norms.base import NormSpec


@dataclass(frozen=True)
class PlacedNorm:
    """A norm that a pass calls.

    Attributes:
        site: What is told of it.
        spec: Its settings, those of normbench's norm of the same kind; None where it is of no known kind.
        channel_axis: Axis of the channels in what it gets.
        is_own: Whether it is the network's own, and was not put there by normbench.
    """

    site: Site
    spec: NormSpec | None
    channel_axis: int
    is_own: bool


def placed_norms(network: nn.Module, sample: Any) -> tuple[PlacedNorm, ...]:
    """Return the norms that a batch meets in a network, which stays as it is.

    Raises:
        SettingError: The network does not take the batch.
    """
    given = ModelInput.of(sample, network)
    found = find_norms(network, trace(network, given))
    return tuple(_placed(one) for one in found if one.is_norm and one.site.is_called and one.site.path)


def _placed(one: Found) -> PlacedNorm:
    is_own = not hasattr(one.module, "built_from")
    return PlacedNorm(one.site, _spec(one), one.site.channel_axis, is_own)


def _spec(one: Found) -> NormSpec | None:
    try:
        spec = same_kind_spec(one)
    except SettingError:
        return None
    if hasattr(one.module, "built_from"):
        return spec
    return spec_in_place_of(spec, one.site.kind, one.site.settings, said=())[0]
