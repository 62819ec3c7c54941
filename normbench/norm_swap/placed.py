"""PlacedNorm: a norm of a network as it runs now, its settings, and what lies right before it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import Node

from normbench.any_module.model_input import ModelInput
from normbench.any_module.tensors import named_tensors
from normbench.errors import SettingError
from normbench.models.base import BuiltNorm
from normbench.norm_swap.audit import INSERTED, Audit, Site
from normbench.norm_swap.graph_before import Upstream, last_bias, learned_by_last_operation, watching_inputs
from normbench.norm_swap.graph_behind import activations_behind, watching_outputs
from normbench.norm_swap.inheritance import spec_in_place_of
from normbench.norm_swap.passes import undisturbed
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
        is_own: Whether it is the network's own, and was not put there by normbench.
        channel_axis: Axis of the channels in what it gets, which may have been rearranged for it.
        dropouts: Names of the dropouts that zero something on the way to it, in the order of the pass.
        bias: Name of the bias per channel that is added last before it; "" if something lies between.
        made_on_last_axis: Name of the dense layer that made its input with features on the last axis, where the norm
            has its channels on another; "" for none.
        activation_behind: Torch's name of the activation that takes what it puts out; "" for none.
    """

    site: Site
    spec: NormSpec | None
    is_own: bool
    channel_axis: int
    dropouts: tuple[str, ...] = ()
    bias: str = ""
    made_on_last_axis: str = ""
    activation_behind: str = ""

    @property
    def is_put_by_swap(self) -> bool:
        """Whether it stands where the network had another norm, or none, and not where the user's code put it."""
        return bool(self.site.becomes) and self.site.origin in ("", INSERTED)


def known_specs(network: nn.Module, sample: Any) -> dict[str, NormSpec | None]:
    """Return the settings of each norm that a user's network has, by its name: those of normbench's of the same kind.

    Raises:
        SettingError: The network does not take the batch.
    """
    found = find_norms(network, trace(network, ModelInput.of(sample, network)))
    return {one.site.path: _spec(one) for one in found if one.is_norm}


def placed_norms(
    network: nn.Module, sample: Any, audit: Audit, known: Mapping[str, NormSpec | None]
) -> tuple[PlacedNorm, ...]:
    """Return the norms that a batch meets in a network, which stays as it is, in the order of the pass.

    Args:
        network: The network, after a swap or without.
        sample: A batch.
        audit: What the swap did.
        known: Settings of the norms before it.
    """
    sites = {site.norm_path or site.path: site for site in audit.sites if site.is_called and site.path}
    given = ModelInput.of(sample, network)
    ends: list[Node | None] = []
    with (
        undisturbed(network),
        torch.enable_grad(),
        watching_inputs(network, sites) as (inputs, dropouts),
        watching_outputs(network, sites) as nodes,
    ):
        for training in (True, False):  # what is left out at random in training is called in evaluation
            if len(inputs) < len(sites):
                network.train(training)
                output = given.changed(_with_gradient).call(network)
                ends += [tensor.grad_fn for tensor in named_tensors(output).values()]
    upstream, owners, behind = Upstream(dropouts), _owners(network), activations_behind(ends, nodes)
    placed = {
        name: _placed(sites[name], network.get_submodule(name), x, upstream.of(x.grad_fn), owners, known)
        for name, x in inputs.items()
    }
    return tuple(replace(norm, activation_behind=behind.get(name, "")) for name, norm in placed.items())


def _with_gradient(x: Tensor) -> Tensor:
    return x.detach().clone().requires_grad_(x.is_floating_point())


def _placed(
    site: Site,
    norm: nn.Module,
    x: Tensor,
    dropouts: tuple[str, ...],
    owners: Mapping[Tensor, str],
    known: Mapping[str, NormSpec | None],
) -> PlacedNorm:
    built_from = getattr(norm, "built_from", None)
    spec = built_from.spec if isinstance(built_from, BuiltNorm) else known.get(site.path)
    channel_axis = 1 if site.becomes else site.channel_axis
    size = (site.num_features,)
    biases = {bias: name for bias, name in owners.items() if name.endswith("bias") and bias.shape == size}
    return PlacedNorm(
        site=site,
        spec=spec,
        is_own=not site.becomes,
        channel_axis=channel_axis,
        dropouts=dropouts,
        bias=last_bias(x.grad_fn, biases),
        made_on_last_axis=_maker_on_last_axis(x, x.grad_fn, channel_axis, owners),
    )


def _spec(one: Found) -> NormSpec | None:
    try:
        spec = same_kind_spec(one)
    except SettingError:
        return None
    if hasattr(one.module, "built_from"):
        return spec
    return spec_in_place_of(spec, one.site.kind, one.site.settings, said=())[0]


def _owners(network: nn.Module) -> dict[Tensor, str]:
    """Return weights and biases of layers with their names."""
    return {
        parameter: f"{name}.{key}"
        for name, module in network.named_modules()
        for key, parameter in module.named_parameters(recurse=False)
        if key in ("weight", "bias")
    }


def _maker_on_last_axis(x: Tensor, node: Node | None, channel_axis: int, owners: Mapping[Tensor, str]) -> str:
    """Return the dense layer that made a norm's input with features on the last axis, where channels are another."""
    for parameter in learned_by_last_operation(node) if x.dim() > 2 else ():
        is_dense = owners.get(parameter, "").endswith("weight") and parameter.dim() == 2
        if is_dense and x.shape[-1] == len(parameter) != x.shape[channel_axis]:
            return owners[parameter].removesuffix(".weight")
    return ""
