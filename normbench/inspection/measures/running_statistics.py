"""Measures how far running statistics are from precise ones, while training goes on."""

from normbench.inspection.measures.base import NUM_SAMPLES, RecordedStep
from normbench.inspection.norm_readings import Probes, gaps_to_precise, precise_gaps
from normbench.inspection.reestimation import tracking_layers


def measure(step: RecordedStep) -> Probes:
    """Return ``running_precise_mean_gap``, ``running_precise_var_gap`` of each layer with running statistics.

    What ``precise_gaps`` says at the end from the whole training set, here from NUM_SAMPLES samples of it, in shuffled
    batches whatever the sampling. Both are after the step.
    """
    if not tracking_layers(step.model):
        return {}
    if step.batches.sampling == "shuffled":
        return gaps_to_precise(step.model, step.reestimated.statistics)
    x, size = step.batches.split.x, step.batches.batch_size
    return precise_gaps(step.model, x, size, max_batches=max(1, NUM_SAMPLES // size))
