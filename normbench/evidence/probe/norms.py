"""Finds norms, in any model, that take statistics over too few values at the batch that will be used."""

from collections.abc import Sequence
from math import ceil, sqrt

from normbench.evidence.probe.network_reading import NetworkReading, NormReading
from normbench.evidence.probe.signs import probe_finding
from normbench.findings import Finding

FEWEST_VALUES = 16
"""The variance of 16 normal values has a standard error of 37 %, of 8 one of 53 %. In normbench's own studies (b10)
batch norm is not behind group norm from 16 on, and is not found to get worse at 2 images where their maps are large."""
OTHER_NORM = "a norm that does not look at the batch (layer or group norm)"
NEVER_ENOUGH = 2
"""With a mean taken away, one value becomes 0 and two become -1 and 1, whatever they are."""


def few_values(seed: NetworkReading, batch_size: int | None = None) -> list[Finding]:
    """Return a finding for each kind of norm that averages over too few values.

    Args:
        seed: A reading of the model.
        batch_size: Samples of a training batch. If it is not said the probe's own batch counts, which may be smaller
            than training's, and only what leaves nothing of a signal is told.
    """
    limit = NEVER_ENOUGH if batch_size is None else FEWEST_VALUES - 1
    samples = batch_size or seed.num_samples
    hit = [(norm, _values(norm, samples, seed.num_samples)) for norm in seed.norms]
    told = [(norm, values) for norm, values in hit if values <= (limit if norm.over_batch else _least(norm))]
    groups: dict[tuple[str, int, int], list[NormReading]] = {}
    for norm, values in told:
        groups.setdefault((norm.kind, values, norm.num_positions), []).append(norm)
    return [_finding(norms, values, samples) for (_, values, _), norms in groups.items()]


def _values(norm: NormReading, samples: int, probed: int) -> int:
    return norm.num_values * samples // probed if norm.over_batch else norm.num_values


def _least(norm: NormReading) -> int:
    return NEVER_ENOUGH if norm.centres else 1  # without a mean two values keep their ratio


def _finding(norms: Sequence[NormReading], values: int, samples: int) -> Finding:
    norm = norms[0]
    counted = f"{values} value{'s' * (values != 1)} per statistic"
    positions = f"{norm.num_positions} position{'s' * (norm.num_positions != 1)}"
    figure = f"{norm.kind}: {counted}" + (f" at batch {samples} x {positions}" if norm.over_batch else f", {positions}")
    return probe_finding(
        "few_values", [one.layer for one in norms], figure, why_few_values(values), _way_out(norm, values, samples)
    )


def why_few_values(values: int) -> str:
    """Say what is left of a signal that is normalized over so many values."""
    if values <= 1:
        return "one value has variance 0, and is its own mean: nothing of it is left"
    if values == 2:
        return "two values always become -1 and 1: all that is left of a channel is which of them was larger"
    return f"the variance of {values} normal values has a standard error of {100 * sqrt(2 / (values - 1)):.0f} %"


def _way_out(norm: NormReading, values: int, samples: int) -> str:
    if norm.over_batch:
        enough = ceil(samples * FEWEST_VALUES / max(values, 1))
        return f"Use a batch of {enough} or more, larger maps, or {OTHER_NORM}."
    if "LayerNorm" in norm.kind or "RMSNorm" in norm.kind:
        return "Normalize over more features, or leave the norm out here."
    return "Use fewer groups, larger maps, or layer norm over all features."
