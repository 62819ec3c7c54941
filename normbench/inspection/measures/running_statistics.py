"""Measures how far running statistics are from precise ones, while training goes on."""

from normbench.inspection.measures.base import RecordedStep
from normbench.inspection.norm_readings import Probes, gaps_to_precise
from normbench.inspection.reestimation import tracking_layers


def measure(step: RecordedStep) -> Probes:
    """Return ``running_precise_mean_gap``, ``running_precise_var_gap`` of each layer with running statistics.

    What the end of a run says from the whole training set, here from NUM_SAMPLES samples of it, in shuffled batches
    whatever the sampling. Both are after the step.
    """
    if not tracking_layers(step.model):
        return {}
    return gaps_to_precise(step.model, step.reestimated_shuffled.statistics)
