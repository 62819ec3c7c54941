"""Finds norms that take a mean and a variance over too few values."""

from collections.abc import Iterator
from math import ceil, prod

from normbench.evidence.probe.norms import FEWEST_VALUES, why_few_values
from normbench.findings import Finding
from normbench.inspection.checks.base import Setup
from normbench.inspection.forward_pass import NormCall


def find(setup: Setup) -> Iterator[Finding]:
    """Warn of batch statistics over fewer than 16 values per channel, and of samples' own over two values.

    A last, partial batch plays no part: training, re-estimation and readings leave it out, and evaluation, where a norm
    may also take the batch's statistics, joins a last sample to the batch before.
    """
    for norm in setup.norms:
        if norm.takes_batch_statistics:
            yield from _over_the_batch(norm, setup.config.batch_size)
        else:
            yield from _over_a_sample(norm)


def _over_the_batch(norm: NormCall, batch_size: int) -> Iterator[Finding]:
    samples = norm.spec.fewest_samples(norm.feature_shape, norm.num_rows)
    values = samples * norm.num_positions
    if values >= FEWEST_VALUES:
        return
    enough = f"Use batch_size: {ceil(batch_size * FEWEST_VALUES / values)} or more"
    if samples < norm.num_rows:
        enough = f"Use chunks of {ceil(samples * FEWEST_VALUES / values)} samples or more that divide the batch"
    yield Finding(
        "warning",
        (norm.name,),
        f"takes batch statistics over {_counted(values, 'value')} per channel "
        f"({_counted(samples, norm.row)} x {_counted(norm.num_positions, 'position')})",
        why=_why(values),
        way_out=f"{enough}, or {norm.setting}: layer_norm or group_norm, which do not look at the batch.",
    )


def _why(values: int) -> str:
    text = why_few_values(values)
    return f"{text[0].upper()}{text[1:]}."


def _over_a_sample(norm: NormCall) -> Iterator[Finding]:
    properties = norm.properties
    if not properties.sample_shift:  # nothing is centred: two values keep their ratio
        return
    values = norm.num_rows * prod(norm.feature_shape) // properties.num_statistics
    if values == 2:
        yield Finding(
            "warning",
            (norm.name,),
            "takes each mean and variance over 2 values of a sample",
            why=_why(values),
            way_out=f"Use fewer groups, larger maps, or {norm.setting}: layer_norm over all features.",
        )


def _counted(number: int, what: str) -> str:
    noun, *of_what = what.split(" ", 1)
    return " ".join([f"{number} {noun}{'' if number == 1 else 's'}", *of_what])
