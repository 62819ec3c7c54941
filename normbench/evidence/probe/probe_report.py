"""Makes the report of a probe: every layer averaged over seeds, growth per layer over depth, and findings."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from normbench.evidence.probe.faults import find_faults
from normbench.evidence.probe.lines import ProbeLine, merge_seeds
from normbench.evidence.probe.network_reading import LayerReading, NetworkReading
from normbench.evidence.statistics.growth import Growth, growth_per_layer
from normbench.findings import Finding


@dataclass(frozen=True)
class ProbeReport:
    """The std of output and output gradient at every layer of a model before any training.

    Attributes:
        name: The arm's label, or the name of the user's callable.
        setting: The input and the gradient that were sent through, in words.
        num_seeds: Number of seeds, each with its own initial weights.
        lines: Every layer, in order of execution.
        forward: Factor by which the output's std grows from one hidden layer to the next.
        backward: Factor by which the output gradient's std grows from one hidden layer to the one before.
        findings: Faults, and notes on what does no harm; in a healthy model no more than notes.
    """

    name: str
    setting: str
    num_seeds: int
    lines: Sequence[ProbeLine]
    forward: Growth | None
    backward: Growth | None
    findings: Sequence[Finding]

    @property
    def is_healthy(self) -> bool:
        """Whether there is no fault."""
        return all(finding.level == "note" for finding in self.findings)

    def as_mapping(self) -> dict[str, Any]:
        """Return the report for JSON, with words and sentences beside the numbers."""
        found = asdict(self)
        for key, growth in (("forward", self.forward), ("backward", self.backward)):
            found[key] = None if growth is None else asdict(growth) | {"word": growth.word}
        found["findings"] = [asdict(finding) | {"says": finding.sentence()} for finding in self.findings]
        found["lines"] = [_flat(line) for line in self.lines]
        return found


def read_probe(name: str, setting: str, seeds: Sequence[NetworkReading], batch_size: int | None = None) -> ProbeReport:
    """Make the report of one arm or model from the readings of each seed.

    Args:
        name: The arm's label, or the name of the user's callable.
        setting: The input and the gradient that were sent through, in words.
        seeds: For each seed, the readings of all layers in order of execution.
        batch_size: Samples of a training batch, for the values that norms average over; by default the probe's.
    """
    lines = merge_seeds([seed.layers for seed in seeds])
    forward = growth_per_layer([_hidden(seed.layers, "std") for seed in seeds])
    backward = growth_per_layer([_hidden(seed.layers, "grad_std")[::-1] for seed in seeds])
    findings = find_faults(lines, seeds, (forward, backward), batch_size)
    return ProbeReport(name, setting, len(seeds), lines, forward, backward, findings)


def _hidden(seed: Sequence[LayerReading], figure: str) -> list[float]:
    """Return one figure of each hidden layer whose weight does not start at 0; growth is fitted to these."""
    chosen = [reading.figures for reading in seed if reading.is_hidden and reading.figures.get("weight_max_abs") != 0]
    return [figures[figure] for figures in chosen if figure in figures]


def _flat(line: ProbeLine) -> dict[str, Any]:
    reading = {key: value for key, value in asdict(line.reading).items() if key != "figures"}
    grad_std = None if line.grad_std is None else asdict(line.grad_std)
    return reading | {"word": line.word, "std": asdict(line.std), "grad_std": grad_std, "figures": dict(line.figures)}
