"""Holds the sentence for each fault of a probe, by its sign, and makes its finding."""

from collections.abc import Iterable

from normbench.findings import Finding, Level

SIGNS = {
    "not_finite": "the output is not finite",
    "gradient_not_finite": "the output gradient is not finite on its way back",
    "running_statistics": "running statistics are broken",
    "dead": "dead units",
    "gradient_cut_off": "no output gradient comes back",
    "weights_cut_off": "no weight gradient comes back",
    "constant": "all that follows is the same for every sample",
    "constant_output": "puts out the same for every sample",
    "few_values": "the norm averages over too few values",
    "weights_too_small": "the weights are too small",
    "weights_too_large": "the weights are too large",
    "vanishes": "the output vanishes",
    "explodes": "the output explodes",
    "gradient_vanishes": "the output gradient vanishes on its way back",
    "gradient_explodes": "the output gradient explodes on its way back",
}
INITIALIZE = (
    "Initialize with std sqrt(2 / fan_in) before a ReLU, sqrt(1 / fan_in) else"
    " (init: kaiming_normal, torch.nn.init.kaiming_normal_)"
)


def probe_finding(
    sign: str, layers: Iterable[str], figure: str, cause: str, way_out: str, *, level: Level = "warning"
) -> Finding:
    """Make a finding of a probe.

    Args:
        sign: One of SIGNS.
        layers: The layer where the fault begins, in the direction of the output or its gradient, then all others.
        figure: The numbers that show it.
        cause: The likely cause.
        way_out: What to try.
        level: A note is told, and does not make a model unhealthy.
    """
    return Finding(level, tuple(dict.fromkeys(layers)), SIGNS[sign], figure, cause, way_out, source=sign)
