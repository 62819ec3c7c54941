"""Reads the loss surface along the weight gradient that an arm's runs recorded, at the first and the last step."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from normbench.evidence.layers.probe_table import NETWORK, ProbeTable
from normbench.evidence.statistics.means import mean_of
from normbench.storage.run_folder import Arm

SIZES = ("loss_variation", "gradient_predictiveness", "smoothness")
"""Names of the recorded measures, from Santurkar et al., 2018."""
_MULTIPLE = re.compile(r"loss_at_(.+)_lr")


@dataclass(frozen=True)
class Surface:
    """One arm's loss surface along the weight gradient.

    Attributes:
        arm: The arm's label.
        num_seeds: Number of runs that recorded it.
        multiples: Distances along the weight gradient, in learning rates.
        step_sizes: The same distances as factors of the weight gradient, at the last recorded step.
        spans: For each of SIZES, its mean over seeds at the first and at the last recorded step.
    """

    arm: str
    num_seeds: int
    multiples: Sequence[float]
    step_sizes: Sequence[float]
    spans: Sequence[tuple[float, float]]


def surfaces(arms: Sequence[Arm]) -> list[Surface]:
    """Read the surface of each arm that recorded one.

    Raises:
        RunFolderError: A file is missing or was changed.
    """
    return [surface for arm in arms if arm.settings.get("recording.loss_surface") for surface in _read_surface(arm)]


def _read_surface(arm: Arm) -> list[Surface]:
    runs = [probed for run in arm.runs if (probed := ProbeTable(run)).layers(SIZES[0])]
    if not runs:  # no step was made
        return []
    multiples = [float(found[1]) for name in runs[0].names() if (found := _MULTIPLE.fullmatch(name))]
    lr = runs[0].last("step_size")[0]
    return [Surface(arm.name, len(runs), multiples, [m * lr for m in multiples], [_span(runs, name) for name in SIZES])]


def _span(runs: Sequence[ProbeTable], name: str) -> tuple[float, float]:
    values = [[value for _, value in run.layers(name).get(NETWORK, [])] for run in runs]
    ends = [(one[0], one[-1]) for one in values if one]
    return mean_of(start for start, _ in ends), mean_of(end for _, end in ends)
