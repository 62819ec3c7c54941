"""ProbeTable: the numbers of a run's probes.csv by name, layer and step."""

import math

from normbench.evidence.metrics.columns import Steps
from normbench.storage.run_folder import PROBES_CSV, Run

NETWORK = "network"
"""Layer name of a measure over all layers together."""


class ProbeTable:
    """Reads the finite numbers of one run's probes.csv.

    Args:
        run: A finished or diverged run.

    Raises:
        RunFolderError: The file is missing or was changed.
    """

    def __init__(self, run: Run) -> None:
        self._steps: dict[str, dict[str, Steps]] = {}
        table = run.table_if_any(PROBES_CSV)
        places = zip(table.words("name"), table.words("layer"), table.steps, strict=True)
        for (name, layer, step), value in zip(places, table.all_numbers("value"), strict=True):
            if math.isfinite(value):
                self._steps.setdefault(name, {}).setdefault(layer, []).append((step, value))

    def names(self) -> list[str]:
        """Return all names of measures, in the run's order."""
        return list(self._steps)

    def layers(self, name: str) -> dict[str, Steps]:
        """Return (step, value) pairs of one measure by layer, in the run's order."""
        return self._steps.get(name, {})

    def last(self, name: str, layer: str = NETWORK, count: int = 1) -> list[float]:
        """Return the last values of one measure of one layer, at most ``count``."""
        return [value for _, value in self.layers(name).get(layer, [])[-count:]]
