"""Finds dead units, layers that no gradient comes back to, and outputs that do not depend on the input, in a probe."""

import math
from collections.abc import Sequence
from itertools import takewhile

from normbench.evidence.layers.layer_report import DEAD_SHARE
from normbench.evidence.probe.lines import ProbeLine
from normbench.evidence.probe.network_reading import NetworkReading, OutputReading
from normbench.evidence.probe.signs import probe_finding
from normbench.evidence.statistics.growth import FAINT
from normbench.findings import Finding

DEAD_ERRORS = 4.0
"""Random weights leave each unit positive with probability 1/2 or more, so at most half of a layer's units are dead
when all samples look alike. More than half by so many standard errors of that share is no accident."""
FEWEST_VALUES = 8
"""A unit with fewer values in the batch may be 0 throughout by chance."""
NOISE = 1e-5
"""What is so much smaller than the numbers it was computed from is what their rounding left."""
LOW_BIAS = -1.0
"""A bias this far below its input, which has std about 1, can keep a unit at 0."""


def dead(lines: Sequence[ProbeLine]) -> Finding | None:
    """Find the layers most of whose units are 0 for every sample, among those before the signal vanishes."""
    alive = takewhile(lambda line: line.word != "vanishes", lines)
    hit = [line for line in alive if _is_beyond_chance(line, "dead_share")]
    if not hit:
        return None
    share = f"{100 * hit[0].figure('dead_share'):.3g} % of its units are 0 for every sample"
    cause = "no input of its activation is above 0: weights of one sign, or inputs far from 0"
    way_out = "Centre inputs and weights at 0, or use a leaky ReLU."
    low = _low_bias(hit[0], lines)
    return probe_finding(
        "dead", [line.layer for line in hit], share, low or cause, "Start the bias at 0." if low else way_out
    )


def cut_off(lines: Sequence[ProbeLine], *, is_constant: bool = False) -> Finding | None:
    """Find the last layer to most of whose units no gradient comes back, neither to the output nor to the weights.

    A layer whose output is all zeros is not counted, nor one whose gradient is 0 only because the gradient at the top
    is too faint for float32. What takes no part in the output at all is named wherever it stands.

    Args:
        lines: The layers, in order of execution.
        is_constant: What the model puts out does not depend on the input, so that gradients of 0 are no wonder.
    """
    cut = [line for line in lines if line.figure("learned") > 0 and _is_beyond_chance(line, "no_grad_share")]
    cut = [line for line in cut if line.std.value != 0 and not (is_constant and line.figure("connected") > 0)]
    apart = [line for line in cut if line.figure("connected") == 0]
    hit = [line for line in cut if _is_passed_by(line, lines, cut)] or apart
    if not hit:
        return None
    line = hit[-1]
    figure = f"the loss does not depend on {100 * line.figure('no_grad_share'):.3g} % of its units"
    layers = [line.layer, *(other.layer for other in reversed(cut) if other is not line)]
    low = _low_bias(line, lines)
    cause, way_out = (low, "Start the bias at 0.") if low else _cause_of_cut(line, lines)
    return probe_finding("gradient_cut_off", layers, figure, cause, way_out)


def _is_passed_by(line: ProbeLine, lines: Sequence[ProbeLine], cut: Sequence[ProbeLine]) -> bool:
    """Return whether layers after this one get a gradient that float32 can hold."""
    later = lines[lines.index(line) + 1 :]
    grads = [other.grad_std.value for other in later if other.grad_std and other not in cut]
    return bool(grads) and min(grads) >= FAINT


def _cause_of_cut(line: ProbeLine, lines: Sequence[ProbeLine]) -> tuple[str, str]:
    zeros = [name for other in lines[lines.index(line) + 1 :] for name in other.reading.zeros]
    if line.figure("connected") > 0 and zeros:
        return f"{zeros[0]} is 0 throughout", "Start it at random, or put a skip connection around it."
    if line is lines[-1] or not _is_passed_by(line, lines, ()):
        return "its output is not used, or cut off by detach() or no_grad()", "Look at the lines that follow it."
    cause = "what follows it is dead, or cut off by detach() or no_grad()"
    return cause, "Look at the activation and the lines that follow it."


def _is_beyond_chance(line: ProbeLine, share: str) -> bool:
    """Return whether more of a layer's units are dead than random weights would leave."""
    if line.figure(share) >= DEAD_SHARE:
        return True
    by_chance = 0.5 + DEAD_ERRORS * 0.5 / math.sqrt(line.figures.get("units", 1))
    return line.figure("values_per_unit") >= FEWEST_VALUES and line.figure(share) > by_chance


def _low_bias(line: ProbeLine, lines: Sequence[ProbeLine]) -> str:
    """Return words on a bias that holds the activation after a layer shut; "" where there is none."""
    before = [other for other in lines if other.reading.after == line.reading.after and "bias_mean" in other.figures]
    lowest = min(before, key=lambda other: other.figure("bias_mean"), default=None)
    if lowest is None or not lowest.figure("bias_mean") < LOW_BIAS:
        return ""
    bias = f"the bias of {lowest.layer} is {lowest.figure('bias_mean'):.3g} on average"
    return f"{bias}, which holds the activation shut"


def constant(lines: Sequence[ProbeLine], seeds: Sequence[NetworkReading]) -> list[Finding]:
    """Find the layers from which on an output of the model is the same whatever comes in, one finding per layer."""
    found: dict[str, Finding] = {}
    for output in _same_outputs(seeds):
        at = _where_it_begins(output, lines)
        if at is not None:
            found.setdefault(lines[at].layer, _constant(at, lines, output))
    return list(found.values())


def _same_outputs(seeds: Sequence[NetworkReading]) -> list[OutputReading]:
    """Return the outputs of the model that are the same for another input, in every seed."""
    every = [{output.name: output for output in seed.outputs if output.has_gradient} for seed in seeds]
    first = every[0] if every else {}
    return [one for name, one in first.items() if all(name in each and each[name].change == 0 for each in every)]


def _where_it_begins(output: OutputReading, lines: Sequence[ProbeLine]) -> int | None:
    """Return the last layer on the way to an output that gets different inputs and puts out the same.

    If there is none, it happens between two layers: then the first that puts out the same after the last that does not.
    """
    on_the_way = [i for i, line in enumerate(lines) if line.layer in output.layers and "change" in line.figures]
    same = [i for i in on_the_way if lines[i].figure("change") == 0]
    swallowing = [i for i in same if lines[i].figure("input_change") > 0]
    if swallowing:
        return swallowing[-1]
    varying = [i for i in on_the_way if lines[i].figure("change") > 0]
    return next((i for i in same if not varying or i > varying[-1]), varying[-1] if varying else None)


def _constant(at: int, lines: Sequence[ProbeLine], output: OutputReading) -> Finding:
    line, later = lines[at], [other for other in lines[at + 1 :] if other.layer in output.layers]
    std = f"output std {line.std.value:.3g} here"
    if line.reading.zeros and not later and line.reading.role == "weights":
        cause, way_out = f"{line.reading.zeros[0]} starts at 0", "Nothing, if it is meant."
        return probe_finding("constant_output", (line.layer,), std, cause, way_out, level="note")
    figure = f"up to output {output.name}; {std}" if output.name else f"up to the model's output; {std}"
    return probe_finding("constant", (line.layer,), figure, *_cause_of_constant(at, lines))


def _cause_of_constant(at: int, lines: Sequence[ProbeLine]) -> tuple[str, str]:
    line, before = lines[at], lines[at - 1] if at else None
    if line.reading.zeros:
        return f"{line.reading.zeros[0]} is 0 throughout", "Start it at random, or put a skip connection around it."
    if before is None and not line.figure("input_change") > 0:
        return "it gets the same for every input, as where all that comes in is padding", "Look at the input."
    if before is not None and _is_swallowed_between(before, line):
        between = f"what is computed between {before.layer} and {line.layer} takes away what tells inputs apart"
        cause = _low_bias(before, lines) or _after_norm(before) or "a dead function, or a product with 0"
        return f"{between}: {cause}", "Look at the lines between them."
    if line.reading.role == "norm":
        cause = "it averages over all that tells inputs apart, as over one value per group or a map of one position"
        return cause, "Use fewer groups, larger maps, or a norm over all features."
    cause = "what comes in adds less than rounding to its bias: the signal has shrunk from layer to layer before it"
    return cause, "Look at the weights of the layers before it, or add norms or skip connections."


def _is_swallowed_between(before: ProbeLine, line: ProbeLine) -> bool:
    """Return whether what came in no longer depends on the input, or is rounding noise of what was put out before."""
    noise = line.figure("input_std") < NOISE * before.std.value
    return line.figure("input_change") == 0 or (noise and line.figure("input_change") > 0)


def _after_norm(before: ProbeLine) -> str:
    if before.reading.role != "norm" and not before.reading.norm:
        return ""
    return f"{before.layer} gives each channel mean 0, so that a mean over its positions is 0"
