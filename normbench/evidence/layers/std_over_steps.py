"""Reads the std of every layer at every recorded step: the median over an arm's seeds."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from normbench.evidence.metrics.columns import steps_by_layer
from normbench.evidence.statistics.quantiles import quantile_of
from normbench.storage.run_folder import Arm


@dataclass(frozen=True)
class StdOverSteps:
    """The std of one kind of tensor, by layer and step.

    Attributes:
        steps: The recorded steps.
        layers: For each layer, in the network's order, the std at each step; nan where nothing was recorded.
        num_seeds: Number of seeds whose median it is.
    """

    steps: Sequence[int]
    layers: Mapping[str, Sequence[float]]
    num_seeds: int


def std_over_steps(arm: Arm, kind: str) -> StdOverSteps:
    """Return the std of every layer at every recorded step.

    Args:
        arm: An arm with its runs.
        kind: weight, grad, activation or activation_grad.

    Raises:
        RunFolderError: A file is missing or was changed.
    """
    read = [steps_by_layer(run.table, f"{kind}.std") for run in arm.runs]
    rows = _rows(arm, kind)
    found = {layer: _by_step([of.get(row, []) for of in read]) for layer, row in rows.items()}
    steps = sorted({step for by_step in found.values() for step in by_step})
    layers = {layer: [by_step.get(step, math.nan) for step in steps] for layer, by_step in found.items() if by_step}
    return StdOverSteps(steps, layers, len(read))


def weight_row(layer: Mapping[str, object]) -> str:
    """Return the name under which a layer's own weight is recorded."""
    return str(layer.get("weight", layer["name"]))


def _rows(arm: Arm, kind: str) -> dict[str, str]:
    """Return under which name layer_stats.csv has each layer."""
    layers = arm.runs[0].summary["layers"] if arm.runs else []
    is_of_weight = kind in ("weight", "grad")
    return {layer["name"]: weight_row(layer) if is_of_weight else layer["name"] for layer in layers}


def _by_step(seeds: Sequence[Sequence[tuple[int, float]]]) -> dict[int, float]:
    """Return the median over seeds at each step; a std that is not finite counts as infinite."""
    values: dict[int, list[float]] = {}
    for steps in seeds:
        for step, value in steps:
            values.setdefault(step, []).append(value if math.isfinite(value) else math.inf)
    return {step: found[0] if len(found) == 1 else quantile_of(found, 0.5) for step, found in values.items()}
