"""Finds weights that are far from any usual initialization, in a probe."""

from collections.abc import Sequence

from normbench.evidence.probe.lines import ProbeLine
from normbench.evidence.probe.signs import INITIALIZE, probe_finding
from normbench.findings import Finding

SMALL_GAIN, LARGE_GAIN = 0.01, 10.0
"""What untrained weights may multiply a signal by. torch's default is 0.58, kaiming 1.4, and wider layers of working
networks stay between 0.05 (last layers of residual branches, depthwise filters counted as dense ones) and 3."""


def odd_weights(lines: Sequence[ProbeLine]) -> list[Finding]:
    """Name layers whose weights are far from any usual initialization; small ones are usual in the last."""
    small = [line for line in lines if line.reading.is_hidden and 0 < line.figure("weight_gain") < SMALL_GAIN]
    large = [line for line in lines if line.figure("weight_gain") > LARGE_GAIN]
    pairs = (("weights_too_small", small), ("weights_too_large", large))
    return [_of_weights(sign, hit) for sign, hit in pairs if hit]


def _of_weights(sign: str, hit: Sequence[ProbeLine]) -> Finding:
    line = hit[0]
    gain, std, norm = line.figure("weight_gain"), line.figure("weight_std"), line.reading.norm
    figure = f"std {std:.3g}, which multiplies the signal by {gain:.3g}"
    hidden = f"; {norm} hides it, while the gradient of the weights is {1 / gain:.3g} times as large" if norm else ""
    layers = [each.layer for each in hit]
    return probe_finding(sign, layers, figure, f"the initialization{hidden}", f"{INITIALIZE}.")
