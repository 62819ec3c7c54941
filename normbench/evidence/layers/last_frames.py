"""Reads the last recorded steps before a run diverged: std of every layer's weight, weight gradient and output."""

import math
from dataclasses import dataclass

from normbench.storage.run_folder import LAYER_STATS_CSV, Run

NUM_FRAMES = 3
"""Number of recorded steps: enough to see which std grows, and from which layer on."""


@dataclass(frozen=True)
class FrameLine:
    """One layer at one recorded step; nan where nothing was recorded.

    Attributes:
        step: Number of updates made before it was recorded.
        layer: The layer's name.
        weight_std: Std of the weight before the step.
        grad_std: Std of the weight's gradient.
        output_std: Std of the output, after norm and activation.
    """

    step: int
    layer: str
    weight_std: float
    grad_std: float
    output_std: float


def last_frames(run: Run, num_frames: int = NUM_FRAMES) -> list[FrameLine]:
    """Return a line per layer for each of the last recorded steps, in order of steps and layers.

    Raises:
        RunFolderError: layer_stats.csv is missing or was changed.
    """
    table = run.table(LAYER_STATS_CSV)
    places = zip(table.steps, table.words("layer"), table.words("kind"), strict=True)
    stds = dict(zip(places, table.all_numbers("std"), strict=True))
    steps = sorted({step for step, _, _ in stds})[-num_frames:]
    rows_of = {layer["name"]: layer.get("weight", layer["name"]) for layer in run.summary["layers"]}
    return [
        FrameLine(
            step,
            layer,
            stds.get((step, of_weight, "weight"), math.nan),
            stds.get((step, of_weight, "grad"), math.nan),
            stds.get((step, layer, "activation"), math.nan),
        )
        for step in steps
        for layer, of_weight in rows_of.items()
    ]
