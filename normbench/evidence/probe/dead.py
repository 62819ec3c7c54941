"""Finds dead units, and layers whose outputs or weights no gradient comes back to, in a probe."""

import math
from collections.abc import Sequence
from itertools import takewhile

from normbench.evidence.layers.layer_report import DEAD_SHARE
from normbench.evidence.probe.lines import ProbeLine
from normbench.evidence.probe.signs import probe_finding
from normbench.evidence.statistics.growth import FAINT
from normbench.findings import Finding

DEAD_ERRORS = 4.0
"""Random weights leave each unit positive with probability 1/2 or more, so at most half of a layer's units are dead
when all samples look alike. More than half by so many standard errors of that share is no accident."""
FEWEST_UNITS = 8
"""Of fewer units, over all seeds, each may be dead by chance: 2^-8 is one in 256."""
FEWEST_VALUES = 8
"""A unit with fewer values in the batch may be 0 throughout by chance."""
LOW_BIAS = -1.0
"""A bias this far below its input, which has std about 1, can keep a unit at 0."""
SHRINKS = ("Hardshrink", "Softshrink", "Threshold")


def dead(lines: Sequence[ProbeLine]) -> Finding | None:
    """Find the layers most of whose units are 0 for every sample, among those before the signal vanishes."""
    alive = takewhile(lambda line: line.word != "vanishes", lines)
    hit = [line for line in alive if _is_beyond_chance(line, "dead_share")]
    if not hit:
        return None
    share = f"{100 * hit[0].figure('dead_share'):.3g} % of its units are 0 for every sample"
    return probe_finding("dead", [line.layer for line in hit], share, *_cause_of_death(hit[0], lines))


def _cause_of_death(line: ProbeLine, lines: Sequence[ProbeLine]) -> tuple[str, str]:
    if line.reading.kind in SHRINKS:
        return f"what comes in lies below the threshold of {line.reading.kind}", "Lower the threshold."
    if low := low_bias(line, lines):
        return low, "Start the bias at 0."
    cause = "no input of its activation is above 0: weights of one sign, or inputs far from 0"
    return cause, "Centre inputs and weights at 0, or use a leaky ReLU."


def cut_off(lines: Sequence[ProbeLine], *, is_constant: bool = False) -> Finding | None:
    """Find the last layer to most of whose units no gradient comes back, neither to the output nor to the weights.

    A layer whose output is all zeros is not counted, nor one whose gradient is 0 only because the gradient at the top
    is too faint for float32. What takes no part in the output at all is named wherever it stands.

    Args:
        lines: The layers, in order of execution.
        is_constant: What the model puts out does not depend on the input, so that gradients of 0 are no wonder.
    """
    cut = [line for line in lines if line.figure("learned") > 0 and _is_cut(line)]
    cut = [line for line in cut if line.std.value != 0 and not (is_constant and line.figure("connected") > 0)]
    apart = [line for line in cut if line.figure("connected") == 0]
    hit = [line for line in cut if _is_passed_by(line, lines, cut)] or apart
    if not hit:
        return None
    line = hit[-1]
    when = "in this batch " if line.figure("connected") > 0 else ""
    figure = f"{when}the loss does not depend on {100 * line.figure('no_grad_share'):.3g} % of its units"
    layers = [line.layer, *(other.layer for other in reversed(cut) if other is not line)]
    low = low_bias(line, lines)
    cause, way_out = (low, "Start the bias at 0.") if low else _cause_of_cut(line, lines)
    return probe_finding("gradient_cut_off", layers, figure, cause, way_out)


def _is_cut(line: ProbeLine) -> bool:
    return line.figure("connected") == 0 or _is_beyond_chance(line, "no_grad_share")


def _is_passed_by(line: ProbeLine, lines: Sequence[ProbeLine], cut: Sequence[ProbeLine]) -> bool:
    """Return whether the next layer that gets a gradient gets one that float32 can hold."""
    later = lines[lines.index(line) + 1 :]
    grads = [other.grad_std.value for other in later if other.grad_std and other not in cut]
    return next((grad for grad in grads if grad > 0), 0.0) >= FAINT


def _cause_of_cut(line: ProbeLine, lines: Sequence[ProbeLine]) -> tuple[str, str]:
    later = [other for other in lines[lines.index(line) + 1 :] if other.figure("weight_reached") == 0]
    zeros = [name for other in later for name in other.reading.zeros]
    if line.figure("connected") > 0 and zeros:
        return f"{zeros[0]} is 0 throughout", "Start it at random, or put a skip connection around it."
    if line is lines[-1] or not _is_passed_by(line, lines, ()):
        return "its output is not used, or cut off by detach() or no_grad()", "Look at the lines that follow it."
    cause = "what follows it is dead, or cut off by detach() or no_grad()"
    return cause, "Look at the activation and the lines that follow it."


def weights_cut_off(lines: Sequence[ProbeLine]) -> Finding | None:
    """Find layers whose weights get no gradient in any pass though their output does, or that two zeros hold at 0."""
    unreached = [line for line in lines if line.reading.role == "weights" and line.figure("weight_reached") == 0]
    hit = [line for line in unreached if line.figure("output_reached") == 1 or line.reading.zeros]
    hit = [line for line in hit if line.reading.zeros or line.figure("input_zero") == 0]
    if not hit:
        return None
    line, layers = hit[0], [one.layer for one in hit]
    if line.reading.zeros:
        cause = "it is 0, and so is what its output is multiplied by, or what comes in: none of them can leave 0"
        way_out = "Start one of them at random."
        return probe_finding("weights_cut_off", layers, f"{line.reading.zeros[0]} is 0", cause, way_out)
    cause = "its forward does not use the weight as it is learned: detach(), .data, round() or no_grad()"
    figure = f"output gradient std {line.grad_std.value:.3g}" if line.grad_std else "an output gradient comes back"
    return probe_finding("weights_cut_off", layers, figure, cause, "Look at its forward.")


def is_by_chance(line: ProbeLine) -> bool:
    """Return whether it is an activation of so few units that all of them may be 0 by chance."""
    return line.reading.role == "activation" and line.figures.get("units", 1) * line.num_seeds < FEWEST_UNITS


def _is_beyond_chance(line: ProbeLine, share: str) -> bool:
    """Return whether more of a layer's units are dead than random weights would leave."""
    units = line.figures.get("units", 1)
    if line.figure(share) >= DEAD_SHARE:
        return units * line.num_seeds >= FEWEST_UNITS
    by_chance = 0.5 + DEAD_ERRORS * 0.5 / math.sqrt(units)
    return line.figure("values_per_unit") >= FEWEST_VALUES and line.figure(share) > by_chance


def low_bias(line: ProbeLine, lines: Sequence[ProbeLine]) -> str:
    """Return words on a bias that holds the activation after a layer shut; "" where there is none."""
    before = [other for other in lines if other.reading.after == line.reading.after and "bias_mean" in other.figures]
    lowest = min(before, key=lambda other: other.figure("bias_mean"), default=None)
    if lowest is None or not lowest.figure("bias_mean") < LOW_BIAS:
        return ""
    bias = f"the bias of {lowest.layer} is {lowest.figure('bias_mean'):.3g} on average"
    return f"{bias}, which holds the activation shut"
