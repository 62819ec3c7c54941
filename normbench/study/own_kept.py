"""Looks once at the user's own network with its own norms, with which each arm's network is compared."""

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor, nn

from normbench.norm_swap.audit import Audit
from normbench.norm_swap.meaning.causality import Causality, causality_of
from normbench.norm_swap.meaning.equal_outputs import output_spread
from normbench.norm_swap.placed import known_specs
from normbench.norm_swap.same_kind import SameKind, same_kind_check
from normbench.norms.base import NormSpec
from normbench.norms.kept import KeptSpec
from normbench.own_code.loaded_modules import generation
from normbench.study.config import RunConfig
from normbench.study.data import sample_of
from normbench.study.own_code import running_code_of
from normbench.study.own_network import own_network, swapped_network


@dataclass(frozen=True)
class KeptNetwork:
    """A network with the initial weights of seed 0 and its own norms; callers share one, so do not change it.

    Attributes:
        network: The network.
        audit: Its norms.
        sample: Samples with which it is tried.
        specs: Settings of its norms by their names, those of normbench's norms of the same kinds; None where unknown.
        causality: Where it is causal.
        spread: How far its outputs differ between samples.
    """

    network: nn.Module
    audit: Audit
    sample: Tensor
    specs: dict[str, NormSpec | None]
    causality: Causality
    spread: float


def kept_network(config: RunConfig) -> KeptNetwork:
    """Return the network that an arm's would be with its own norms.

    Raises:
        SettingError: It cannot be made, or does not take the data.
    """
    return _kept(_as_kept(config), generation())


def same_kind_of(config: RunConfig) -> SameKind:
    """Return how the network's outputs compare with those under normbench's norms of the same kinds."""
    return _same_kind(_as_kept(config), generation())


def starts_alike(config: RunConfig) -> bool:
    """Return whether two seeds make the same weights, as where these are pretrained."""
    return _starts_alike(_as_kept(config), generation())


def _as_kept(config: RunConfig) -> RunConfig:
    """Return settings that are the same for all arms of one network and one dataset."""
    return RunConfig(model=config.model, norm=KeptSpec(), dataset=config.dataset, batch_size=config.batch_size)


@lru_cache(maxsize=2)  # a network with its numbers may be large
def _kept(config: RunConfig, _of_code: int) -> KeptNetwork:
    network, audit = swapped_network(config, seed=0)
    sample = sample_of(config)
    with running_code_of(config):
        return KeptNetwork(
            network=network,
            audit=audit,
            sample=sample,
            specs=known_specs(network, sample),
            causality=causality_of(
                network, sample, [site.path for site in audit.sites if site.is_called and site.path]
            ),
            spread=output_spread(network, sample),
        )


@lru_cache(maxsize=32)
def _same_kind(config: RunConfig, of_code: int) -> SameKind:
    kept = _kept(config, of_code)
    with running_code_of(config):
        return same_kind_check(kept.network, kept.sample)


@lru_cache(maxsize=32)
def _starts_alike(config: RunConfig, of_code: int) -> bool:
    first, second = _kept(config, of_code).network, own_network(config, seed=1)
    pairs = zip(first.parameters(), second.parameters(), strict=True)
    weights = [(one, other) for one, other in pairs if one.dim() > 1 and one.numel() > 1 and one.std() > 0]
    return bool(weights) and all(torch.equal(one, other) for one, other in weights)
