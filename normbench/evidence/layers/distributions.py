"""Reads how weights or gradients of every layer are distributed over the steps: quantiles of a run's histograms."""

from collections.abc import Sequence
from dataclasses import dataclass

from normbench.evidence.layers.std_over_steps import weight_row
from normbench.evidence.statistics.quantiles import histogram_quantiles
from normbench.storage.histogram_table import HistogramTable, read_histograms
from normbench.storage.run_folder import Run

SHARES = (0.05, 0.25, 0.5, 0.75, 0.95)
"""Which quantiles: the median, the middle half, and nine tenths of the values."""


@dataclass(frozen=True)
class LayerDistribution:
    """The values of one tensor over the steps.

    Attributes:
        layer: The layer's name.
        steps: The recorded steps.
        quantiles: For each of ``SHARES`` the quantile at each step; nan where nothing finite was recorded.
    """

    layer: str
    steps: Sequence[int]
    quantiles: Sequence[Sequence[float]]


def layer_distributions(run: Run, kind: str) -> list[LayerDistribution]:
    """Return the quantiles of each layer's weight, or of its gradient, in the network's order.

    Quantiles are read from histograms of 64 bins, and are as exact as a bin is wide. Nothing for a run that recorded
    no histograms of this kind.

    Args:
        run: A finished run.
        kind: weight or grad.

    Raises:
        RunFolderError: The file is missing, was changed, or is no archive of histograms.
    """
    table = read_histograms(run)
    if table is None:
        return []
    keys = zip(table.kinds.tolist(), table.names.tolist(), strict=True)
    places = {name.removesuffix(".weight"): i for i, (of_kind, name) in enumerate(keys) if of_kind == kind}
    named = {layer["name"]: weight_row(layer) for layer in run.summary["layers"]} or {name: name for name in places}
    return _read(table, {layer: places[row] for layer, row in named.items() if row in places})


def _read(table: HistogramTable, places: dict[str, int]) -> list[LayerDistribution]:
    import numpy as np

    if not places:
        return []
    columns = list(places.values())
    rights = table.right_edges[:, columns]
    lefts = np.concatenate([table.min[:, columns, None], rights[..., :-1]], axis=-1)
    found = histogram_quantiles(table.counts[:, columns], lefts, rights, SHARES)
    steps = table.steps.tolist()
    return [LayerDistribution(layer, steps, found[:, :, i].tolist()) for i, layer in enumerate(places)]
