"""Sends a few training samples through the user's own network; notes what lies before each of its norms."""

from collections.abc import Mapping
from functools import lru_cache

import torch
from torch import Tensor, nn
from torch.autograd.graph import Node

from normbench.inspection.forward_pass import NormCall, last_bias, watching_norms
from normbench.inspection.graph_before import Upstream, learned_by_last_operation
from normbench.norm_swap.passes import undisturbed
from normbench.norm_swap.placed import PlacedNorm
from normbench.study.config import RunConfig
from normbench.study.data import sample_of
from normbench.study.network import network_without_numbers
from normbench.study.own_code import running_code_of
from normbench.study.own_network import own_network
from normbench.study.own_norms import own_norms


def own_norm_calls(config: RunConfig) -> list[NormCall]:
    """Return the norms of a known kind in the order of the forward pass, as a training batch meets them.

    Raises:
        SettingError: The network cannot be made.
    """
    return list(_calls(config.without_recording()))


@lru_cache(maxsize=32)
def _calls(config: RunConfig) -> tuple[NormCall, ...]:
    placed = {one.site.path: one for one in own_norms(config).placed if one.spec is not None}
    network, shown = own_network(config, seed=0), network_without_numbers(config)
    x = sample_of(config)
    with (
        running_code_of(config),
        undisturbed(network),
        torch.enable_grad(),
        watching_norms(network, placed) as (inputs, dropouts),
    ):
        network.train()
        network(x.clone().requires_grad_(x.is_floating_point()))
    upstream, learned = Upstream(dropouts), _owners(network)
    return tuple(
        _call(placed[name], shown, config, upstream.of(got.grad_fn), got, learned) for name, got in inputs.items()
    )


def _call(
    placed: PlacedNorm,
    network: nn.Module,
    config: RunConfig,
    dropouts: tuple[str, ...],
    x: Tensor,
    learned: Mapping[Tensor, str],
) -> NormCall:
    site = placed.site
    assert placed.spec is not None
    biases = {one: name for one, name in learned.items() if name.endswith("bias") and len(one) == site.num_features}
    return NormCall(
        name=site.path,
        layer=network.get_submodule(site.path),
        spec=placed.spec,
        feature_shape=site.feature_shape,
        per_step=site.rows_per_sample != 1,
        num_rows=int(site.rows_per_sample * config.batch_size),
        dropouts=dropouts,
        bias=last_bias(x.grad_fn, biases),
        is_kept=placed.is_own,
        made_on_last_axis=_maker_on_last_axis(x, x.grad_fn, placed, learned),
    )


def _owners(network: nn.Module) -> dict[Tensor, str]:
    """Return weights and biases of layers with their names."""
    return {
        parameter: f"{name}.{key}"
        for name, module in network.named_modules()
        for key, parameter in module.named_parameters(recurse=False)
        if key in ("weight", "bias") and (key == "weight" or parameter.dim() == 1)
    }


def _maker_on_last_axis(x: Tensor, node: Node | None, placed: PlacedNorm, learned: Mapping[Tensor, str]) -> str:
    """Return the dense layer that made a norm's input with features on the last axis, where channels are another."""
    if x.dim() < 3 or placed.channel_axis in (-1, x.dim() - 1):
        return ""
    for parameter in learned_by_last_operation(node):
        name = learned.get(parameter, "")
        if name.endswith("weight") and _puts_out_last(parameter, x, placed):
            return name.removesuffix(".weight")
    return ""


def _puts_out_last(weight: Tensor, x: Tensor, placed: PlacedNorm) -> bool:
    """Return whether a dense layer puts its features on the last axis, and the norm has its channels elsewhere."""
    return weight.dim() == 2 and x.shape[-1] == len(weight) != x.shape[placed.channel_axis]
