"""Finds norm parameters, with mixing weights and slopes, and biases that weight decay or l1 draws towards 0."""

from collections.abc import Collection, Iterator

from torch import nn

from normbench.findings import Finding
from normbench.inspection.checks.base import Setup
from normbench.inspection.watch.layers import watched_layers
from normbench.inspection.watch.parameter_groups import split_parameters
from normbench.norms.base import ZeroEffect
from normbench.study.config import RunConfig

FIX = "Write decay_on: weights."


def find(setup: Setup) -> Iterator[Finding]:
    """Warn of what a norm has in its ``zero_effects``; note its other decayed parameters, and biases of layers."""
    config = setup.config
    if not (config.weight_decay or config.l1):
        return
    decayed = set(split_parameters(setup.network, config.decay_on)[0])
    for norm in setup.norms:
        yield from _of_norm(norm.name, norm.layer, decayed, _said(config))
    known = {norm.name for norm in setup.norms}
    for layer in watched_layers(setup.network):
        if layer.role == "norm" and layer.name not in known:
            yield from _of_norm(layer.name, layer.module, decayed, _said(config))
        if layer.role == "weights" and getattr(layer.module, "bias", None) in decayed:
            yield Finding(
                "note",
                (layer.name,),
                f"has a bias that {_said(config)} draws towards 0 (decay_on: all)",
                why="It is torch's habit and the documents'; a bias does not make a function less smooth.",
                way_out=FIX,
            )


def _of_norm(norm: str, layer: nn.Module, decayed: Collection[nn.Parameter], by: str) -> Iterator[Finding]:
    names = [name for name, parameter in layer.named_parameters() if parameter in decayed]
    effects: tuple[ZeroEffect, ...] = getattr(layer, "zero_effects", ())
    for effect in effects:
        drawn = [name for name in names if name in effect.names]
        if drawn:
            yield Finding(
                "warning",
                (norm,),
                f"has {effect.kind} that {by} draws towards 0 ({', '.join(drawn)}; decay_on: all)",
                why=effect.effect,
                way_out=FIX,
            )
    affine = [name for name in names if not any(name in effect.names for effect in effects)]
    if affine:
        yield Finding(
            "note",
            (norm,),
            f"has parameters ({', '.join(affine)}) that {by} draws towards 0 (decay_on: all)",
            why="It is torch's habit and the documents'; a smaller weight shrinks the output, and may help (Summers "
            "and Dinneen, 2019) or not.",
            way_out=FIX,
        )


def _said(config: RunConfig) -> str:
    kinds = {"weight_decay": config.weight_decay, "l1": config.l1}
    return " and ".join(f"{key} {value:g}" for key, value in kinds.items() if value)
