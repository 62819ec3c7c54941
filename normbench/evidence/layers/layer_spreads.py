"""Reads std per layer of every seed, of outputs and of their gradients, at the first and at the last recorded step."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from normbench.evidence.statistics.growth import Spread
from normbench.storage.run_folder import LAYER_STATS_CSV, Arm, Run

OUTPUT, OUTPUT_GRADIENT = "activation", "activation_grad"
Stds = dict[tuple[str, str], float]
"""Std by kind and layer, at one step of one run."""


@dataclass(frozen=True)
class LayerSpread:
    """The std of one layer over the seeds.

    Attributes:
        layer: The layer's name.
        values: The std of each seed.
        spread: Their geometric mean with its 95 % interval.
    """

    layer: str
    values: Sequence[float]
    spread: Spread


@dataclass(frozen=True)
class ArmLayers:
    """The layers of one arm in the order of the network.

    Attributes:
        arm: The arm's label.
        num_seeds: Number of its runs.
        steps: The first and the last recorded step; one where no step was made.
        lines: A line per layer, by kind and recorded step.
    """

    arm: str
    num_seeds: int
    steps: Sequence[int]
    lines: Mapping[tuple[str, int], Sequence[LayerSpread]]


def arm_layers(arm: Arm) -> ArmLayers | None:
    """Return std per layer of an arm's runs; None where none is recorded.

    Raises:
        RunFolderError: A file is missing or was changed.
    """
    layers = [layer["name"] for layer in arm.runs[0].summary["layers"]]
    found = [_ends(run) for run in arm.runs]
    if not layers or not all(found):
        return None
    steps = sorted({found[0][0][0], max(ends[-1][0] for ends in found)})
    lines = {}
    for kind in (OUTPUT, OUTPUT_GRADIENT):
        for end, step in zip((0, -1), (steps[0], steps[-1]), strict=True):
            lines[kind, step] = [_line(layer, kind, [ends[end][1] for ends in found]) for layer in layers]
    return ArmLayers(arm.name, len(arm.runs), steps, lines)


def _line(layer: str, kind: str, stds: Sequence[Stds]) -> LayerSpread:
    values = [of[kind, layer] for of in stds if (kind, layer) in of]
    return LayerSpread(layer, values, Spread.of(values))


def _ends(run: Run) -> list[tuple[int, Stds]]:
    """Return the first and the last recorded step of a run with the stds at them."""
    table = run.table(LAYER_STATS_CSV)
    rows = zip(table.steps, table.words("kind"), table.words("layer"), table.numbers("std"), strict=True)
    ends = {step: Stds() for step in (min(table.steps, default=0), max(table.steps, default=0))}
    for step, kind, layer, std in rows:
        if step in ends and std is not None:
            ends[step][kind, layer] = std
    return [(step, of) for step, of in sorted(ends.items()) if of]
