"""Finds the faults in a probe: numbers that are not finite, dead units, weights too small or too large."""

import math
from collections.abc import Sequence
from itertools import takewhile

from normbench.evidence.layers.layer_report import DEAD_SHARE
from normbench.evidence.layers.probe_lines import ProbeLine
from normbench.evidence.layers.probe_scales import gradient_scale, output_scale
from normbench.evidence.layers.probe_signs import INITIALIZE, probe_finding
from normbench.evidence.statistics.growth import FAINT, Growth
from normbench.findings import Finding

SMALL_GAIN, LARGE_GAIN = 0.01, 10.0
"""What untrained weights may multiply a signal by. torch's default is 0.58, kaiming 1.4, and wider layers of working
networks stay between 0.05 (last layers of residual branches, depthwise filters counted as dense ones) and 3."""
DEAD_ERRORS = 4.0
"""Random weights leave each unit positive with probability 1/2 or more, so at most half of a layer's units are dead
when all samples look alike. More than half by so many standard errors of that share is no accident."""
FEWEST_VALUES = 8
"""A unit with fewer values in the batch may be 0 throughout by chance."""
LOW_BIAS = -1.0
"""A bias this far below its input, which has std about 1, can keep a unit at 0."""
KEEP_FINITE = "Add an eps to the divisor, or keep the argument above 0."
HUGE = 1e18
"""Numbers of this size overflow float32 when they are squared."""


def find_faults(lines: Sequence[ProbeLine], forward: Growth | None, backward: Growth | None) -> list[Finding]:
    """Return the faults of a probe, causes first; consequences of a fault that was found are left out."""
    broken = _not_finite(lines) or _gradient_not_finite(lines)
    if broken:
        return [broken]
    dead = _dead(lines) or _cut_off(lines)
    found = [*([dead] if dead else []), *_weights(lines)]
    named = {layer for finding in found for layer in finding.layers}
    hidden = [line for line in lines if line.reading.is_hidden and not line.is_switched_off]
    reached = hidden if dead is None else [line for line in hidden if line in _lines_up_to(dead.layers[0], lines)]
    is_lost = bool(dead) or any(line.std.value == 0 for line in hidden)  # nothing comes back through zeros
    return [*found, *output_scale(reached, forward, named), *gradient_scale(hidden, backward, named, is_lost=is_lost)]


def _lines_up_to(layer: str, lines: Sequence[ProbeLine]) -> Sequence[ProbeLine]:
    return lines[: 1 + next(i for i, line in enumerate(lines) if line.layer == layer)]


def _not_finite(lines: Sequence[ProbeLine]) -> Finding | None:
    hit = [i for i, line in enumerate(lines) if not math.isfinite(line.figure("max_abs"))]
    if not hit:
        return None
    line, before = lines[hit[0]], lines[hit[0] - 1] if hit[0] else None
    figure = f"from here on, in {len(hit)} of {len(lines)} layers"
    cause, way_out = _cause_of_nan(line, before)
    return probe_finding("not_finite", (line.layer,), figure, cause, way_out)


def _cause_of_nan(line: ProbeLine, before: ProbeLine | None) -> tuple[str, str]:
    if line.figure("weight_finite") < 1:
        return "its weights hold inf or nan", "Look at what sets them: the initialization, or the file they come from."
    if line.figure("input_finite") < 1 and before is None:
        return "the input holds inf or nan", "Clean the data: missing values, a division by a std of 0."
    largest = before.figure("max_abs") if before else 0.0
    if before and largest > HUGE:
        cause = f"the numbers before it are too large, up to {largest:.3g} at {before.layer}"
        return cause, f"{INITIALIZE}, or put a norm before {line.layer}."
    if before and line.figure("input_finite") < 1:
        between = f"what is computed between {before.layer} and {line.layer}"
        return f"{between} makes inf or nan: a division by 0, a log or a root", KEEP_FINITE
    return "its own forward makes inf or nan: a division by 0, a log or a root", KEEP_FINITE


def _gradient_not_finite(lines: Sequence[ProbeLine]) -> Finding | None:
    hit = [line for line in lines if line.grad_std and not math.isfinite(line.grad_std.value)]
    if not hit:
        return None
    figure = f"from here back, in {len(hit)} of {len(lines)} layers, while the outputs are finite"
    cause = "what follows it has no finite derivative here: a root or norm at 0, a division by 0, an overflow"
    way_out = "Add an eps under the root; torch.autograd.detect_anomaly() names the line."
    return probe_finding("gradient_not_finite", (hit[-1].layer,), figure, cause, way_out)


def _is_beyond_chance(line: ProbeLine, share: str) -> bool:
    """Return whether more of a layer's units are dead than random weights would leave."""
    if line.figure(share) >= DEAD_SHARE:
        return True
    by_chance = 0.5 + DEAD_ERRORS * 0.5 / math.sqrt(line.figures.get("units", 1))
    return line.figure("values_per_unit") >= FEWEST_VALUES and line.figure(share) > by_chance


def _dead(lines: Sequence[ProbeLine]) -> Finding | None:
    """Find the layers most of whose units are 0 for every sample, among those before the signal vanishes."""
    alive = takewhile(lambda line: line.word != "vanishes", lines)
    hit = [line for line in alive if _is_beyond_chance(line, "dead_share")]
    if not hit:
        return None
    share = f"{100 * hit[0].figure('dead_share'):.3g} % of its units are 0 for every sample"
    return _dead_units_finding("dead", hit, share, lines)


def _cut_off(lines: Sequence[ProbeLine]) -> Finding | None:
    """Find the last layer most of whose units get no gradient, though layers after it do.

    A layer whose output is all zeros is not counted, nor are layers before a branch whose last weight starts at 0.
    """
    never = list(takewhile(lambda line: line.grad_std is None, (line for line in lines if line.figure("learned") > 0)))
    cut = [line for line in lines if _is_beyond_chance(line, "no_grad_share") and line.std.value > 0]
    hit = (cut or never)[-1:]
    later = lines[len(_lines_up_to(hit[0].layer, lines)) :] if hit else []
    reached = [line for line in later if line.grad_std and not _is_beyond_chance(line, "no_grad_share")]
    grads = [line.grad_std.value for line in reached if line.grad_std]
    if not grads or min(grads) < FAINT or any(line.is_switched_off for line in later):
        return None
    lost = hit[0].figures.get("no_grad_share", 1.0)
    share = f"the loss does not depend on {100 * lost:.3g} % of its units"
    return _dead_units_finding("gradient_cut_off", hit, share, lines)


def _dead_units_finding(sign: str, hit: Sequence[ProbeLine], share: str, lines: Sequence[ProbeLine]) -> Finding:
    line, layers = hit[0], [line.layer for line in hit]
    before = [other for other in lines if other.reading.after == line.reading.after and "bias_mean" in other.figures]
    lowest = min(before, key=lambda other: other.figure("bias_mean"), default=None)
    if lowest and lowest.figure("bias_mean") < LOW_BIAS:
        bias = f"the bias of {lowest.layer} is {lowest.figure('bias_mean'):.3g} on average"
        cause = f"{bias}, which holds the activation shut"
        return probe_finding(sign, layers, share, cause, "Start the bias at 0.")
    if sign == "dead":
        cause = "no input of its activation is above 0: weights of one sign, or inputs far from 0"
        return probe_finding(sign, layers, share, cause, "Centre inputs and weights at 0, or use a leaky ReLU.")
    cause = "what follows it is dead, or cut off by detach() or no_grad()"
    return probe_finding(sign, layers, share, cause, "Look at the activation and the lines that follow it.")


def _weights(lines: Sequence[ProbeLine]) -> list[Finding]:
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
