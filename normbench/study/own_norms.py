"""Looks at the norms of the user's own network in an arm, before anything trains: which it has, what they do to it."""

from dataclasses import dataclass
from functools import lru_cache

from torch import nn

from normbench.norm_swap.audit import INSERTED, Audit
from normbench.norm_swap.meaning.causality import Leak, causality_of, find_leak
from normbench.norm_swap.meaning.equal_outputs import EqualOutputs, find_dead_norms, find_equal_outputs
from normbench.norm_swap.meaning.padding import CountedPadding, find_counted_padding
from normbench.norm_swap.placed import PlacedNorm, placed_norms
from normbench.own_code.loaded_modules import generation
from normbench.study.config import RunConfig
from normbench.study.data import built_dataset
from normbench.study.own_code import running_code_of
from normbench.study.own_kept import KeptNetwork, kept_network
from normbench.study.own_network import swapped_network
from normbench.study.own_norm_argument import compared_with_kept

MOST_SEARCHED = 256
"""Training samples among which those with the most padding are looked for."""


@dataclass(frozen=True)
class OwnNorms:
    """The norms of an arm's network with the initial weights of seed 0, and what the swap did to the network.

    Attributes:
        network: The network without numbers; callers share one, so do not change it. None where it has its own norms.
        audit: What was found and replaced.
        placed: The norms as they are now, which a pass calls.
        leak: Where positions of a causal network are mixed; None where nowhere.
        padding: How far outputs move with padding that did not matter before; None where not.
        equal_outputs: How little outputs differ between samples where they did before; None where they do.
        dead: Names of norms that put out one number per channel whatever they get.
    """

    network: nn.Module | None
    audit: Audit
    placed: tuple[PlacedNorm, ...]
    leak: Leak | None
    padding: CountedPadding | None
    equal_outputs: EqualOutputs | None
    dead: tuple[str, ...]


def own_norms(config: RunConfig) -> OwnNorms:
    """Return what is found out about the norms of an arm; ``config.model`` must be own.

    Raises:
        SettingError: The network cannot be made, or a norm does not fit.
    """
    return _own_norms(config.without_recording(), generation())


@lru_cache(maxsize=32)
def _own_norms(config: RunConfig, _of_code: int) -> OwnNorms:
    kept = kept_network(config)
    if config.norm.name == "kept":
        return _kept_norms(kept, config)
    network, audit = swapped_network(config, seed=0)
    audit = compared_with_kept(config, network, audit, kept.network, kept.audit)
    x = kept.sample
    pool = built_dataset(config.dataset, 0).train.x[:MOST_SEARCHED]
    with running_code_of(config):
        placed = placed_norms(network, x, audit, kept.specs)
        return OwnNorms(
            audit=audit,
            placed=placed,
            leak=_leak(network, kept, audit),
            padding=find_counted_padding(kept.network, network, pool),
            equal_outputs=find_equal_outputs(network, x, kept.spread),
            dead=_dead(network, kept, placed),
            network=network.to("meta"),
        )


def _leak(network: nn.Module, kept: KeptNetwork, audit: Audit) -> Leak | None:
    """Return where positions of a causal network are mixed; behind a norm that was inserted, after its layer."""
    inserted = [site.path.rpartition(".")[0] for site in audit.swapped if site.origin == INSERTED]
    paths = [site.path for site in audit.swapped if site.origin != INSERTED]
    before = kept.causality
    if inserted and before.views:
        before = causality_of(kept.network, kept.sample, [*(name for name in kept.specs if name), *inserted])
    return find_leak(network, kept.sample, [*paths, *inserted], before)


def _kept_norms(kept: KeptNetwork, config: RunConfig) -> OwnNorms:
    """Return what is known of a network with its own norms."""
    with running_code_of(config):
        placed = placed_norms(kept.network, kept.sample, kept.audit, kept.specs)
        return OwnNorms(
            network=None,
            audit=kept.audit,
            placed=placed,
            leak=None,
            padding=None,
            equal_outputs=None,
            dead=_dead(kept.network, kept, placed),
        )


def _dead(network: nn.Module, kept: KeptNetwork, placed: tuple[PlacedNorm, ...]) -> tuple[str, ...]:
    paths = {one.site.norm_path or one.site.path: one for one in placed}
    found = find_dead_norms(network, kept.sample, {name: one.channel_axis for name, one in paths.items()})
    return tuple(paths[name].site.path for name in found)
