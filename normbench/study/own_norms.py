"""Looks at the norms of the user's own network in an arm, before anything trains: which it has, what they do to it."""

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor, nn

from normbench.errors import SettingError
from normbench.norm_swap.audit import Audit
from normbench.norm_swap.meaning.causality import Leak, find_leak
from normbench.norm_swap.meaning.equal_outputs import EqualOutputs, find_dead_norms, find_equal_outputs
from normbench.norm_swap.meaning.padding import CountedPadding, find_counted_padding
from normbench.norm_swap.placed import PlacedNorm, placed_norms
from normbench.norm_swap.same_kind import SameKind, same_kind_check
from normbench.norms.kept import KeptSpec
from normbench.study.config import RunConfig
from normbench.study.data import built_dataset, sample_of
from normbench.study.own_code import running_code_of
from normbench.study.own_network import own_network, swapped_network

MOST_SEARCHED = 256
"""Training samples among which those with the most padding are looked for."""
POSITIONWISE = "Use norm: {name: layer_norm, over: position}, or rms_norm with over: position"


@dataclass(frozen=True)
class OwnNorms:
    """The norms of an arm's network with the initial weights of seed 0, and what the swap did to the network.

    Attributes:
        audit: What was found and replaced.
        placed: The norms as they are now, which a pass calls.
        leak: Where positions of a causal network are mixed; None where nowhere.
        padding: How far outputs move with padding that did not matter before; None where not.
        equal_outputs: How little outputs differ between samples where they did before; None where they do.
        dead: Names of norms that put out one number per channel whatever they get.
    """

    audit: Audit
    placed: tuple[PlacedNorm, ...]
    leak: Leak | None
    padding: CountedPadding | None
    equal_outputs: EqualOutputs | None
    dead: tuple[str, ...]

    def path_of(self, norm: str) -> str:
        """Return the user's own name for the place of a norm, around which something may be wrapped."""
        return next((site.path for site in self.audit.swapped if site.norm_path == norm), norm)


def own_norms(config: RunConfig) -> OwnNorms:
    """Return what is found out about the norms of an arm; ``config.model`` must be own.

    Raises:
        SettingError: The network cannot be made, or a norm does not fit.
    """
    return _own_norms(config.without_recording())


def own_norms_contradictions(config: RunConfig) -> list[SettingError]:
    """Return an error for each norm that a batch gives too few values, and one where positions of a causal network mix.

    Raises:
        SettingError: The network cannot be made, or a norm does not fit.
    """
    found = own_norms(config)
    return [*_too_few_values(found, config), *_mixed_positions(found, config)]


def same_kind_of(config: RunConfig) -> SameKind:
    """Return how the network's outputs compare with those under normbench's norms of the same kinds."""
    return _same_kind(as_kept(config))


def starts_alike(config: RunConfig) -> bool:
    """Return whether two seeds make the same weights, as where these are pretrained."""
    return _starts_alike(as_kept(config))


def as_kept(config: RunConfig) -> RunConfig:
    """Return the settings that make the same network, with its own norms; the same for all arms but for their data."""
    return RunConfig(model=config.model, norm=KeptSpec(), dataset=config.dataset, batch_size=config.batch_size)


@lru_cache(maxsize=32)
def _own_norms(config: RunConfig) -> OwnNorms:
    kept, sample = _kept_network(as_kept(config)), sample_of(config)
    network, audit = swapped_network(config, seed=0)
    paths = [site.path for site in audit.swapped]
    pool = built_dataset(config.dataset, 0).train.x[:MOST_SEARCHED]
    with running_code_of(config):
        placed = placed_norms(network, sample)
        return OwnNorms(
            audit=audit,
            placed=placed,
            leak=find_leak(kept, network, sample, paths) if paths else None,
            padding=find_counted_padding(kept, network, pool) if paths else None,
            equal_outputs=find_equal_outputs(kept, network, sample) if paths else None,
            dead=_dead(network, sample, placed, audit),
        )


def _dead(network: nn.Module, sample: Tensor, placed: tuple[PlacedNorm, ...], audit: Audit) -> tuple[str, ...]:
    paths = {site.norm_path: site.path for site in audit.swapped}
    put_there = dict.fromkeys(paths, 1)  # also those of no known kind, as the user's own
    axes = put_there | {one.site.path: one.site.channel_axis for one in placed}
    return tuple(paths.get(name, name) for name in find_dead_norms(network, sample, axes))


@lru_cache(maxsize=1)  # a network with its numbers may be large
def _kept_network(config: RunConfig) -> nn.Module:
    return own_network(config, seed=0)


@lru_cache(maxsize=32)
def _same_kind(config: RunConfig) -> SameKind:
    network = _kept_network(config)
    with running_code_of(config):
        return same_kind_check(network, sample_of(config))


@lru_cache(maxsize=32)
def _starts_alike(config: RunConfig) -> bool:
    pairs = zip(_kept_network(config).parameters(), own_network(config, seed=1).parameters(), strict=True)
    weights = [(one, other) for one, other in pairs if one.dim() > 1 and one.numel() > 1 and one.std() > 0]
    return bool(weights) and all(torch.equal(one, other) for one, other in weights)


def _too_few_values(found: OwnNorms, config: RunConfig) -> list[SettingError]:
    errors = []
    for one in found.placed:
        if one.spec is None:
            continue
        path = found.path_of(one.site.path)
        try:
            one.spec.check_batch(one.site.feature_shape, int(config.batch_size * one.site.rows_per_sample))
        except SettingError as error:
            errors.append(SettingError(error.key, error.rule, config.batch_size, error.way_out, path))
    return errors


def _mixed_positions(found: OwnNorms, config: RunConfig) -> list[SettingError]:
    leak = found.leak
    if leak is None or config.swap.mix_positions:
        return []
    rule = f"must not mix positions of a causal network; {leak_text(leak)}"
    way_out = f"{POSITIONWISE}, or swap: {{mix_positions: true}} if that is meant."
    return [SettingError("norm.name", rule, config.norm.name, way_out, leak.name)]


def leak_text(leak: Leak) -> str:
    """Say behind which norm an earlier position moves with the last one.

    Example:
        >>> leak_text(Leak("layers.0.norm", training=True, position=0, change=0.0912))
        'behind layers.0.norm position 0 moves by 0.091 when the last one changes, with its own norms by 0'
    """
    where = f"behind {leak.name} " if leak.name else ""
    mode = "" if leak.training else " in evaluation"
    moves = f"position {leak.position} moves by {leak.change:.2g}{mode}"
    return f"{where}{moves} when the last one changes, with its own norms by 0"
