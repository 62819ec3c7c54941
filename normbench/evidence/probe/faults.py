"""Finds the faults in a probe, causes first, and leaves out what follows from a fault that was found."""

from collections.abc import Sequence

from normbench.evidence.probe.constant import constant, fades
from normbench.evidence.probe.dead import cut_off, dead, weights_cut_off
from normbench.evidence.probe.lines import ProbeLine
from normbench.evidence.probe.network_reading import NetworkReading
from normbench.evidence.probe.norms import few_values
from normbench.evidence.probe.not_finite import gradient_not_finite, not_finite, running_statistics
from normbench.evidence.probe.notes import notes
from normbench.evidence.probe.scales import gradient_scale, output_scale
from normbench.evidence.probe.weights import odd_weights
from normbench.evidence.statistics.growth import Growth
from normbench.findings import Finding


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
    return [*causes, *_lost_or_out_of_scale(layers, seeds, growths, causes), *notes(lines, seeds)]


def _lost_or_out_of_scale(
    layers: Sequence[ProbeLine],
    seeds: Sequence[NetworkReading],
    growths: tuple[Growth | None, Growth | None],
    causes: Sequence[Finding],
) -> list[Finding]:
    """Return where a signal or gradient is lost, weights that are odd, and scales that run away of neither cause."""
    weights, units, every = odd_weights(layers), _listed(dead(layers)), constant(layers, seeds)
    same = [one for one in every if not _follows_from(one, [*causes, *units, *weights], layers)]
    lost = [*units, *same] or [*_listed(cut_off(layers, is_constant=bool(every))), *_listed(weights_cut_off(layers))]
    names = [line.layer for line in layers]
    is_abrupt = any(not fades(names.index(one.layers[0]), layers) for one in same)
    if is_abrupt or any(cause.source == "running_statistics" for cause in causes):
        return [*lost, *weights]
    return [
        *lost,
        *weights,
        *_scales(layers, growths, lost, {layer for one in (*lost, *weights) for layer in one.layers}),
    ]


def _scales(
    layers: Sequence[ProbeLine], growths: tuple[Growth | None, Growth | None], lost: Sequence[Finding], named: set[str]
) -> list[Finding]:
    hidden = [line for line in layers if line.reading.is_hidden and not line.is_switched_off]
    reached = [line for line in hidden if not lost or line in _lines_up_to(lost[0].layers[0], layers)]
    no_signal = bool(lost) or any(line.std.value == 0 for line in hidden)  # nothing comes back through zeros
    found = output_scale(reached, growths[0], named)
    return [*found, *gradient_scale(layers, hidden, growths[1], named, is_lost=no_signal)]


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
