"""Reads a probe: every layer over the seeds, growth per layer over depth, and findings."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from normbench.evidence.layers.probe_faults import find_faults
from normbench.evidence.layers.probe_lines import LayerSeen, ProbeLine, merge_seeds
from normbench.evidence.statistics.growth import Growth, growth_per_layer
from normbench.findings import Finding


@dataclass(frozen=True)
class ProbeReport:
    """What a model does to a signal before any training.

    Attributes:
        name: The arm, or the user's callable.
        setting: What was sent forward and what back, in words.
        num_seeds: Models looked at.
        lines: Every layer, in order of execution.
        forward: By what factor the output's std grows from one hidden layer to the next.
        backward: By what factor the gradient's does on its way back.
        findings: What stands out; empty in a healthy model.
    """

    name: str
    setting: str
    num_seeds: int
    lines: Sequence[ProbeLine]
    forward: Growth | None
    backward: Growth | None
    findings: Sequence[Finding]

    def as_mapping(self) -> dict[str, Any]:
        """Return the report for JSON, with the words that are derived."""
        found = asdict(self)
        for key, growth in (("forward", self.forward), ("backward", self.backward)):
            found[key] = None if growth is None else asdict(growth) | {"word": growth.word}
        found["findings"] = [asdict(finding) | {"says": finding.sentence()} for finding in self.findings]
        found["lines"] = [_flat(line) for line in self.lines]
        return found


def read_probe(name: str, setting: str, seeds: Sequence[Sequence[LayerSeen]]) -> ProbeReport:
    """Read what was seen of one arm or model with each seed.

    Args:
        name: The arm, or the user's callable.
        setting: What was sent forward and what back, in words.
        seeds: The layers of each seed's model in order of execution.
    """
    lines = merge_seeds(seeds)
    forward = growth_per_layer([_hidden(seed, "std") for seed in seeds])
    backward = growth_per_layer([_hidden(seed, "grad_std")[::-1] for seed in seeds])
    return ProbeReport(name, setting, len(seeds), lines, forward, backward, find_faults(lines, forward, backward))


def _hidden(seed: Sequence[LayerSeen], figure: str) -> list[float]:
    """Return a figure of the layers that growth is fitted to: hidden ones whose weights do not start at 0."""
    chosen = [seen.figures for seen in seed if seen.is_hidden and seen.figures.get("weight_max_abs") != 0]
    return [figures[figure] for figures in chosen if figure in figures]


def _flat(line: ProbeLine) -> dict[str, Any]:
    seen = {key: value for key, value in asdict(line.seen).items() if key != "figures"}
    grad_std = None if line.grad_std is None else asdict(line.grad_std)
    return seen | {"word": line.word, "std": asdict(line.std), "grad_std": grad_std, "figures": dict(line.figures)}
