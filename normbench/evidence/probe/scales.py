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
        hidden: Layers with weights but the last, in order of execution.
        growth: Growth of their output's std.
        named: Layers that another finding names; their consequences are left out.
    """
    hit = [i for i, line in enumerate(hidden) if line.word in ("vanishes", "explodes")]
    if not hit:
        return []
    line, first = hidden[hit[0]], hidden[0]
    stds = [each.std.value for each in hidden[: hit[0] + 1]]
    step = _index_of_one_step(stds)
    if _is_already_named(hidden, step, named):
        return []
    figure = f"std {line.std.value:.3g}, {first.std.value:.3g} at {first.layer}"
    layer = line.layer if step is None else hidden[step].layer
    cause = _cause(hidden, step, growth)
    layers = [layer, *(each.layer for each in hidden if each.word == line.word)]
    return [probe_finding(line.word, layers, figure, cause, f"{INITIALIZE}, or add a norm.")]


def gradient_scale(
    hidden: Sequence[ProbeLine], growth: Growth | None, named: set[str], *, at_output: float, is_lost: bool
) -> list[Finding]:
    """Compare the gradient at the last hidden layer's output with that at the first one's.

    Args:
        hidden: Layers with weights but the last, in order of execution.
        growth: Growth of their gradient's std, backward.
        named: Layers that another finding names; their consequences are left out.
        at_output: Std of the gradient at the last layer's output. What has not grown beyond it has not exploded: the
            last hidden layer may lie in a branch that is scaled down on purpose.
        is_lost: Whether the gradient is lost for another reason.
    """
    way = [(line, line.grad_std.value) for line in reversed(hidden) if line.grad_std]
    if len(way) < 2 or not way[0][1] > 0 or (is_lost and way[-1][1] == 0):
        return []
    (top, above), (bottom, below) = way[0], way[-1]
    if above / FAR <= below <= max(above, at_output) * FAR:
        return []
    sign = "gradient_vanishes" if below < above else "gradient_explodes"
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
