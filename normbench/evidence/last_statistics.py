"""The last recorded statistics of each layer before a loss was not finite."""

import math
from dataclasses import dataclass

from normbench.evidence.run_folder import LAYER_STATS_CSV, Run

KINDS = ("weight", "grad", "activation")


@dataclass(frozen=True)
class LastStatistics:
    """One layer.

    Attributes:
        layer: Its name.
        step: Updates made when this was recorded.
        weight_std: Of its weight.
        grad_std: Of its gradient.
        output_std: Of its output, after norm and activation.
    """

    layer: str
    step: int
    weight_std: float
    grad_std: float
    output_std: float


def statistics_before(run: Run, step: int) -> list[LastStatistics]:
    """Return the last row of each layer before a step; of one that diverges at its first step, that step's.

    Raises:
        RunFolderError: The file is missing or was changed.
    """
    rows = [(int(row["step"]), row) for row in run.rows(LAYER_STATS_CSV)]
    steps = [recorded for recorded, _ in rows]
    last = max((recorded for recorded in steps if recorded < step), default=min(steps, default=0))
    stds = {(row["layer"], row["kind"]): float(row["std"]) for recorded, row in rows if recorded == last}
    layers = [str(layer["name"]) for layer in run.summary["layers"]]
    return [LastStatistics(name, last, *(stds.get((name, kind), math.nan) for kind in KINDS)) for name in layers]
