"""Holds the sentence for each fault of a probe, by its sign, and makes its finding."""

from collections.abc import Iterable

from normbench.findings import Finding

SIGNS = {
    "not_finite": "the output is not finite",
    "gradient_not_finite": "the output gradient is not finite on its way back",
    "dead": "dead units",
    "gradient_cut_off": "no output gradient comes back",
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


def probe_finding(sign: str, layers: Iterable[str], figure: str, cause: str, way_out: str) -> Finding:
    """Make a finding of a probe.

    Args:
        sign: One of SIGNS.
        layers: The layer where the fault begins, in the direction of the output or its gradient, then all others.
        figure: The numbers that show it.
        cause: The likely cause.
        way_out: What to try.
    """
    return Finding("warning", tuple(dict.fromkeys(layers)), SIGNS[sign], figure, cause, way_out, source=sign)
