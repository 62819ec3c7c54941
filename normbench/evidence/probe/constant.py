"""Finds the layers from which on an output of the model is the same for every sample, in a probe."""

from collections.abc import Sequence

from normbench.evidence.probe.dead import is_by_chance, low_bias
from normbench.evidence.probe.lines import ProbeLine
from normbench.evidence.probe.network_reading import NetworkReading, OutputReading
from normbench.evidence.probe.signs import probe_finding
from normbench.evidence.statistics.growth import FAR
from normbench.findings import Finding

NOISE = 1e-5
"""What is so much smaller than the numbers it was computed from is what their rounding left."""


def constant(lines: Sequence[ProbeLine], seeds: Sequence[NetworkReading]) -> list[Finding]:
    """Return a finding for each layer from which on an output is the same for every sample.

    An output that the input does not reach by design, such as prototypes beside scores, is left out.
    """
    found: dict[str, Finding] = {}
    same, others = _outputs(seeds)
    for output in same:
        on_the_way = [i for i, line in enumerate(lines) if line.layer in output.layers and "change" in line.figures]
        if others and not any(lines[i].figure("change") > 0 for i in on_the_way):
            continue
        at = _where_it_begins(on_the_way, lines)
        if at is not None and not is_by_chance(lines[at]):
            found.setdefault(lines[at].layer, _finding(at, lines, output))
    return list(found.values())


def _outputs(seeds: Sequence[NetworkReading]) -> tuple[list[OutputReading], list[OutputReading]]:
    """Return the outputs of the model that are the same for every sample, in every seed, and the others."""
    every = [{output.name: output for output in seed.outputs if output.has_gradient} for seed in seeds]
    first = every[0] if every else {}
    same = [one for name, one in first.items() if all(name in each and each[name].change == 0 for each in every)]
    return same, [one for one in first.values() if one not in same]


def _where_it_begins(on_the_way: Sequence[int], lines: Sequence[ProbeLine]) -> int | None:
    """Return the last layer on the way that gets different inputs and puts out the same.

    If there is none, it happens between two layers: then the first that puts out the same after the last that does
    not, or that last one, if no layer follows.
    """
    same = [i for i in on_the_way if lines[i].figure("change") == 0]
    swallowing = [i for i in same if lines[i].figure("input_change") > 0]
    if swallowing:
        return swallowing[-1]
    varying = [i for i in on_the_way if lines[i].figure("change") > 0]
    return next((i for i in same if not varying or i > varying[-1]), varying[-1] if varying else None)


def _finding(at: int, lines: Sequence[ProbeLine], output: OutputReading) -> Finding:
    line, later = lines[at], [other for other in lines[at + 1 :] if other.layer in output.layers]
    std = f"output std {line.std.value:.3g} here"
    is_head = line.reading.role == "weights" and not any(other.reading.role == "weights" for other in later)
    if line.reading.zeros and is_head:
        cause, way_out = f"{line.reading.zeros[0]} starts at 0", "Nothing, if it is meant."
        return probe_finding("constant_output", (line.layer,), std, cause, way_out, level="note")
    figure = f"up to output {output.name}; {std}" if output.name else f"up to the model's output; {std}"
    return probe_finding("constant", (line.layer,), figure, *_cause(at, lines))


def _cause(at: int, lines: Sequence[ProbeLine]) -> tuple[str, str]:
    line, before = lines[at], lines[at - 1] if at else None
    if line.reading.zeros:
        return f"{line.reading.zeros[0]} is 0 throughout", "Start it at random, or put a skip connection around it."
    if line.figure("change") > 0:
        cause = "what follows it takes away what tells samples apart, as softmax over one value or a dead function does"
        return cause, "Look at the lines that follow it."
    if before is None and not line.figure("input_change") > 0:
        return "it gets the same for every input, as where all that comes in is padding", "Look at the input."
    if fades(at, lines):
        cause = "what depends on the input has shrunk from layer to layer until rounding took it; the biases are left"
        return cause, "Look at the weights of the layers before it, or add norms or skip connections."
    if before is not None and _is_swallowed_between(before, line):
        between = f"what is computed between {before.layer} and {line.layer} takes away what tells samples apart"
        cause = low_bias(before, lines) or _after_norm(before) or "a dead function, or a product with 0"
        return f"{between}: {cause}", "Look at the lines between them."
    if line.reading.role == "norm":
        cause = "it averages over all that tells samples apart, as over one value per group or a map of one position"
        return cause, "Use fewer groups, larger maps, or a norm over all features."
    if "bias_mean" in line.figures:
        return "what comes in adds less than rounding to its bias", "Look at its weights and the size of what comes in."
    return "it puts out the same for all that comes in here", "Look at its forward."


def fades(at: int, lines: Sequence[ProbeLine]) -> bool:
    """Return whether little of the output depended on the input already before the layer from which on nothing does."""
    return at > 0 and 0 < lines[at - 1].figure("change") < 1 / FAR


def _is_swallowed_between(before: ProbeLine, line: ProbeLine) -> bool:
    """Return whether what came in no longer depends on the input, or is rounding noise of what was put out before."""
    return line.figure("input_change") == 0 or line.figure("input_std") < NOISE * before.std.value


def _after_norm(before: ProbeLine) -> str:
    if before.reading.role != "norm" and not before.reading.norm:
        return ""
    return f"{before.layer} gives each channel mean 0, so that a mean over its positions is 0"
