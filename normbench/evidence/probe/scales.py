"""Finds signals and output gradients that vanish or explode over depth, at one layer or over all layers."""

import math
from collections.abc import Sequence
from itertools import pairwise

from normbench.evidence.probe.lines import ProbeLine
from normbench.evidence.probe.signs import INITIALIZE, probe_finding
from normbench.evidence.statistics.growth import FAINT, FAR, SMALLEST, Growth
from normbench.findings import Finding


def output_scale(hidden: Sequence[ProbeLine], growth: Growth | None, named: set[str]) -> list[Finding]:
    """Compare each hidden layer's output with the first one's.

    Args:
        hidden: Layers with weights but the last ones, in order of execution.
        growth: Growth of their output's std.
        named: Layers that another finding names; their consequences are left out.
    """
    compared = [line for line in hidden if line.is_compared]
    hit = [i for i, line in enumerate(compared) if line.word in ("vanishes", "explodes")]
    if not hit:
        return []
    line, first = compared[hit[0]], compared[0]
    stds = [each.std.value for each in compared[: hit[0] + 1]]
    step = _index_of_one_step(stds)
    if _is_already_named(compared, step, named):
        return []
    figure = f"std {line.std.value:.3g}, {first.std.value:.3g} at {first.layer}"
    layer = line.layer if step is None else compared[step].layer
    cause = _cause(compared, step, growth)
    layers = [layer, *(each.layer for each in compared if each.word == line.word)]
    return [probe_finding(line.word, layers, figure, cause, f"{INITIALIZE}, or add a norm.")]


def gradient_scale(
    lines: Sequence[ProbeLine], hidden: Sequence[ProbeLine], growth: Growth | None, named: set[str], *, is_lost: bool
) -> list[Finding]:
    """Compare the gradient at the last hidden layer's output with that at the first one's.

    Args:
        lines: All layers, in order of execution.
        hidden: Layers with weights but the last ones.
        growth: Growth of their gradient's std, backward.
        named: Layers that another finding names; their consequences are left out.
        is_lost: Whether the gradient is lost for another reason.
    """
    way = [(line, line.grad_std.value) for line in reversed(hidden) if line.grad_std and not line.waits]
    if len(way) < 2 or not way[0][1] > 0 or (is_lost and way[-1][1] == 0):
        return []
    (top, above), (bottom, below) = way[0], way[-1]
    sign = _sign(lines, hidden, top, bottom)
    if not sign:
        return []
    stds = [std for _, std in way]
    step = _index_of_one_step(stds)
    through = None if step is None else way[step - 1][0].layer
    if _is_already_named([line for line, _ in way], None if step is None else step - 1, named):
        return []
    figure = f"std {above:.3g} at {top.layer}, {below:.3g} at {bottom.layer}"
    cause = _cause([line for line, _ in way], step, growth)
    if growth and growth.factor > 1 and step is None and "batch" in top.reading.norm.lower():
        cause += ", as batch norm with ReLU does (sqrt(pi / (pi - 1)) = 1.21 in theory: Yang et al., 2019)"
        way_out = "Residual connections, fewer layers between them, or a norm that does not average over the batch."
    else:
        way_out = f"{INITIALIZE}, or add residual connections."
    return [probe_finding(sign, (through or bottom.layer,), figure, cause, way_out)]


def _sign(lines: Sequence[ProbeLine], hidden: Sequence[ProbeLine], top: ProbeLine, bottom: ProbeLine) -> str:
    """Return the fault's sign, "" without one.

    Either end may lie in a branch whose gradient is small on purpose. So what has vanished is compared with the largest
    gradient before and at the first hidden layer, as of an embedding; what has exploded also with the outputs'.
    """
    heads = [_weight_of_gradient(line) for line in lines if line.reading.role == "weights" and line not in hidden]
    first = [_weight_of_gradient(line) for line in lines[: 1 + lines.index(bottom)]]
    above = _weight_of_gradient(top)
    if max(first) < above / FAR:
        return "gradient_vanishes"
    return "gradient_explodes" if _weight_of_gradient(bottom) > FAR * max(above, *heads, 0.0) else ""


def _weight_of_gradient(line: ProbeLine) -> float:
    """Return a gradient's std as it tells over layers of other sizes; 0 without a gradient.

    A mean over n positions divides the gradient at each by n while n of them work together, and a norm divides it by
    the std of what it is given.
    """
    if line.grad_std is None or line.waits:
        return 0.0
    positions = math.sqrt(line.figures.get("values_per_unit", 1.0))
    return line.grad_std.value * positions * (line.std.value if line.figures.get("norm_apart") else 1.0)


def _index_of_one_step(stds: Sequence[float]) -> int | None:
    """Return the index of the layer at which more than half of the change of ln std happens; None if there is none.

    A step from a std above FAINT to one below SMALLEST, which float32 rounds, is always such a step.
    """
    known = next((i for i, std in enumerate(stds) if not std > SMALLEST), len(stds))
    if known < len(stds) and stds[max(0, known - 1)] > FAINT:
        return known or None
    logs = [math.log(std) for std in stds[:known]]
    steps = [abs(b - a) for a, b in pairwise(logs)]
    if len(steps) < 2 or max(steps) <= abs(logs[-1] - logs[0]) / 2:
        return None
    return 1 + steps.index(max(steps))


def _is_already_named(way: Sequence[ProbeLine], at: int | None, named: set[str]) -> bool:
    """Return whether another finding names the layer of a single step, or more than half of all layers."""
    if at is not None:
        return way[at].layer in named
    return 2 * sum(line.layer in named for line in way) > len(way)


def _cause(way: Sequence[ProbeLine], step: int | None, growth: Growth | None) -> str:
    if step is not None:
        return f"what lies between {way[step - 1].layer} and {way[step].layer}, a single step"
    if growth is None:
        return "all layers together"
    return f"each layer multiplies it by {growth.factor:.3g} [{growth.low:.3g}, {growth.high:.3g}]"
