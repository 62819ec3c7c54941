"""Finds the faults in a probe, causes first, and leaves out what follows from a fault that was found."""

from collections.abc import Sequence

from normbench.evidence.probe.constant import constant, fades
from normbench.evidence.probe.dead import cut_off, dead, weights_cut_off
from normbench.evidence.probe.lines import ProbeLine
from normbench.evidence.probe.network_reading import NetworkReading
from normbench.evidence.probe.norms import few_values
from normbench.evidence.probe.not_finite import LARGE_GAIN, gradient_not_finite, not_finite, running_statistics
from normbench.evidence.probe.scales import gradient_scale, output_scale
from normbench.evidence.probe.signs import INITIALIZE, probe_finding
from normbench.evidence.statistics.growth import Growth
from normbench.findings import MAX_NAMED, Finding

SMALL_GAIN = 0.01
"""What untrained weights may multiply a signal by. torch's default is 0.58, kaiming 1.4, and wider layers of working
networks stay between 0.05 (last layers of residual branches, depthwise filters counted as dense ones) and 3."""


def find_faults(
    lines: Sequence[ProbeLine],
    seeds: Sequence[NetworkReading],
    growths: tuple[Growth | None, Growth | None],
    batch_size: int | None = None,
) -> list[Finding]:
    """Return the faults of a probe, causes first; consequences of a fault that was found are left out.

    Args:
        lines: Every layer over all seeds.
        seeds: The readings of each seed.
        growths: Growth of the output's std forward and of the gradient's std backward.
        batch_size: Samples of a training batch, where that is known.
    """
    causes = few_values(seeds[0], batch_size) if seeds else []
    layers = [line for line in lines if line.has_output]
    broken = not_finite(layers, seeds) or gradient_not_finite(layers)
    if broken:
        return [broken, *causes]
    statistics = running_statistics(layers, seeds[0].statistics if seeds else {})
    causes = [*_listed(statistics), *causes]
    return [*causes, *_lost_or_out_of_scale(layers, seeds, growths, causes), *_notes(lines, seeds)]


def _lost_or_out_of_scale(
    layers: Sequence[ProbeLine],
    seeds: Sequence[NetworkReading],
    growths: tuple[Growth | None, Growth | None],
    causes: Sequence[Finding],
) -> list[Finding]:
    weights, units, every = _weights(layers), _listed(dead(layers)), constant(layers, seeds)
    same = [one for one in every if not _follows_from(one, [*causes, *units, *weights], layers)]
    lost = [*units, *same] or [*_listed(cut_off(layers, is_constant=bool(every))), *_listed(weights_cut_off(layers))]
    named = {layer for finding in (*lost, *weights) for layer in finding.layers}
    hidden = [line for line in layers if line.reading.is_hidden and not line.is_switched_off]
    reached = [line for line in hidden if not lost or line in _lines_up_to(lost[0].layers[0], layers)]
    no_signal = bool(lost) or any(line.std.value == 0 for line in hidden)  # nothing comes back through zeros
    scales = output_scale(reached, growths[0], named)
    scales += gradient_scale(layers, hidden, growths[1], named, is_lost=no_signal)
    names = [line.layer for line in layers]
    is_abrupt = any(not fades(names.index(one.layers[0]), layers) for one in same)
    has_other_cause = is_abrupt or any(cause.source == "running_statistics" for cause in causes)
    return [*lost, *weights, *([] if has_other_cause else scales)]


def _listed(found: Finding | None) -> list[Finding]:
    return [found] if found else []


def _follows_from(found: Finding, causes: Sequence[Finding], lines: Sequence[ProbeLine]) -> bool:
    """Return whether an output is constant because of another fault before it, or since the signal faded on the way."""
    names = [line.layer for line in lines]
    at = names.index(found.layers[0])
    is_caused = any(layer in names[: at + 1] for cause in causes for layer in cause.layers[:1])
    return is_caused or any(line.word == "vanishes" for line in lines[:at])


def _lines_up_to(layer: str, lines: Sequence[ProbeLine]) -> Sequence[ProbeLine]:
    return lines[: 1 + next(i for i, line in enumerate(lines) if line.layer == layer)]


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


def _notes(lines: Sequence[ProbeLine], seeds: Sequence[NetworkReading]) -> list[Finding]:
    """Tell outputs that were not gone back from, and parameters that nothing depends on."""
    outputs = seeds[0].outputs if seeds else ()
    silent = [output.name for output in outputs if not output.has_gradient]
    unused = [line.layer for line in lines if not line.has_output and line.figure("connected") == 0]
    notes = []
    if silent:
        why = "they depend on no learned parameter: made of the input alone, or cut off by detach() or no_grad()"
        what = f"outputs from which no gradient was sent back: {_listed_names(silent)}"
        notes.append(Finding("note", (), what, why=why, way_out="Nothing, if it is meant.", source="silent_output"))
    if unused:
        what = f"parameters that get no gradient: {_listed_names(unused)}"
        why = "nothing that the model puts out was computed by them"
        notes.append(Finding("note", (), what, why=why, way_out="Nothing, if it is meant.", source="unused"))
    return notes


def _listed_names(names: Sequence[str]) -> str:
    more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    return ", ".join(names[:MAX_NAMED]) + more
