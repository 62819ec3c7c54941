"""Finds the layers whose output vanishes, explodes, is dead or not finite, as findings that charts can mark."""

from normbench.evidence.layers.layer_report import LayerLine, LayerReport
from normbench.findings import Finding

FAULTS = {
    "not finite": "the output is not finite",
    "dead": "the output is dead: all zeros",
    "vanishes": "the output vanishes",
    "explodes": "the output explodes",
}
"""By the word for a layer's output, the worst first."""


def layer_findings(report: LayerReport) -> list[Finding]:
    """Return one finding for each fault, with its layers in the network's order; the figure is the first layer's."""
    by_word = {word: [line for line in report.lines if line.word == word] for word in FAULTS}
    return [_finding(report, word, lines) for word, lines in by_word.items() if lines]


def _finding(report: LayerReport, word: str, lines: list[LayerLine]) -> Finding:
    names = tuple(line.layer for line in lines)
    figure = f"std {lines[0].output_std:.3g}"
    return Finding("warning", names, FAULTS[word], figure, source="layer_report", arms=(report.arm,))
