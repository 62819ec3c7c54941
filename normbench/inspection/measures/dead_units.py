"""Measures the share of each layer's units that are 0 for the whole batch."""

from normbench.inspection.measures.base import RecordedStep
from normbench.inspection.norm_readings import Probes
from normbench.models.base import weighted_layers


def measure(step: RecordedStep) -> Probes:
    """Return ``dead_unit_share`` of each hidden layer: units that are 0 for all samples of the batch.

    A unit is a feature, (N, C), or a channel with all its positions, (N, C, *); the output is that after norm,
    activation and dropout. No gradient passes through a unit that is 0 behind a ReLU.
    """
    hidden = {layer for layer, module in weighted_layers(step.model).items() if module.is_hidden}
    outputs = {layer: output for layer, output in step.seen.activations.items() if layer in hidden}
    return {
        layer: {"dead_unit_share": (output == 0).transpose(0, 1).flatten(1).all(1).double().mean().item()}
        for layer, output in outputs.items()
    }
