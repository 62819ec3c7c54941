"""Finds norm parameters, mixing weights and biases that weight decay or l1 draws towards 0."""

from collections.abc import Iterator

from normbench.findings import Finding
from normbench.inspection.checks.base import Setup
from normbench.inspection.forward_pass import NormCall
from normbench.models.base import split_parameters, weighted_layers
from normbench.study.config import RunConfig

FIX = "Write decay_on: weights."


def find(setup: Setup) -> Iterator[Finding]:
    """Warn of decayed mixing weights; note a decayed weight or bias of a norm, and decayed biases of layers."""
    config = setup.config
    if not (config.weight_decay or config.l1):
        return
    decayed = set(split_parameters(setup.network, config.decay_on)[0])
    for norm in setup.norms:
        names = [name for name, parameter in norm.layer.named_parameters() if parameter in decayed]
        yield from _of_norm(norm, names, _said(config))
    for name, layer in weighted_layers(setup.network).items():
        if layer.bias in decayed:
            yield Finding(
                "note",
                (name,),
                f"has a bias that {_said(config)} draws towards 0 (decay_on: all)",
                why="It is torch's habit and the documents'; a bias does not make a function less smooth.",
                way_out=FIX,
            )


def _of_norm(norm: NormCall, names: list[str], by: str) -> Iterator[Finding]:
    mixing = [name for name in names if hasattr(norm.layer, "mixing_weights") and name.endswith("_weight")]
    affine = [name for name in names if name not in mixing]
    if mixing:
        yield Finding(
            "warning",
            (norm.name,),
            f"has mixing weights ({', '.join(mixing)}) that {by} draws towards 0 (decay_on: all)",
            why="At 0 all kinds of statistics have the same share, so that what the layer learns of them is held back.",
            way_out=FIX,
        )
    if affine:
        yield Finding(
            "note",
            (norm.name,),
            f"has parameters ({', '.join(affine)}) that {by} draws towards 0 (decay_on: all)",
            why="It is torch's habit and the documents'; a smaller weight shrinks the output, and may help (Summers "
            "and Dinneen, 2019) or not.",
            way_out=FIX,
        )


def _said(config: RunConfig) -> str:
    kinds = {"weight_decay": config.weight_decay, "l1": config.l1}
    return " and ".join(f"{key} {value:g}" for key, value in kinds.items() if value)
