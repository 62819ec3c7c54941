"""Measures how the output gradient's std grows or shrinks from layer to layer."""

from normbench.evidence.layers.probe_table import NETWORK
from normbench.evidence.statistics.trends import log_slope
from normbench.inspection.measures.base import RecordedStep
from normbench.inspection.norm_readings import Probes


def measure(step: RecordedStep) -> Probes:
    """Return the network's ``gradient_depth_slope``: of ln(std of the gradient at each hidden layer's output).

    Per layer in forward order, least squares: negative where that gradient grows on its way back. What
    ``depth_slope activation_grad.std`` reads at the end, at every recorded step; the last layer's width is the task's,
    so it is left out. None where some layer gets no output gradient, or there are fewer than two.
    """
    layers = [layer.name for layer in step.weighted][:-1]
    grads = [step.seen.activation_grads[layer] for layer in layers if layer in step.seen.activation_grads]
    slope = log_slope([grad.double().std(correction=0).item() for grad in grads])
    return {} if slope is None else {NETWORK: {"gradient_depth_slope": slope}}
