"""Measures the share of each layer's units that are 0 for the whole batch."""

from normbench.inspection.measures.base import RecordedStep
from normbench.inspection.norm_readings import Probes


def measure(step: RecordedStep) -> Probes:
    """Return ``dead_unit_share`` of each hidden layer: units that are 0 for all samples of the batch.

    A unit is a feature, (N, C), or a channel with all its positions, (N, C, *); the output is that after norm,
    activation and dropout. In a network of the user's own these are the outputs of activations with exact zeros. No
    gradient passes through a unit that is 0 behind a ReLU.
    """
    axes = {layer.name: layer.unit_axis for layer in step.layers if layer.can_die}
    outputs = {layer: output for layer, output in step.seen.activations.items() if layer in axes and output.dim() > 1}
    return {
        layer: {"dead_unit_share": (output == 0).movedim(axes[layer], 0).flatten(1).all(1).double().mean().item()}
        for layer, output in outputs.items()
    }
