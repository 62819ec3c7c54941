"""Measures training loss and accuracy with running statistics and with each batch's own."""

import torch
from torch import Tensor

from normbench.evidence.layers.probe_table import NETWORK
from normbench.inspection.losses import predict
from normbench.inspection.measures.base import RecordedStep
from normbench.inspection.norm_readings import Probes
from normbench.inspection.reestimation import tracking_layers
from normbench.inspection.split_scores import accuracy


def measure(step: RecordedStep) -> Probes:
    """Return ``running_loss`` and ``batch_statistics_loss`` of the network, in classification also the accuracies.

    Both are of the same training samples in batches as training draws them, dropout and all else in evaluation. Where
    the second is much better, the running statistics are not those the network has learned to work with. Nothing for a
    network without running statistics, or a task without targets.
    """
    if step.batch.y is None or not tracking_layers(step.model):
        return {}
    inputs = torch.cat([batch.x for batch in step.sample])
    targets = torch.cat([batch.y for batch in step.sample if batch.y is not None])
    running = predict(step.model, inputs)
    own = step.reestimated.outputs
    return {NETWORK: _read(step, "running", running, targets) | _read(step, "batch_statistics", own, targets)}


def _read(step: RecordedStep, kind: str, output: Tensor, targets: Tensor) -> dict[str, float]:
    found = {f"{kind}_loss": step.loss(output, targets).item()}
    if not targets.is_floating_point():
        found[f"{kind}_accuracy"] = accuracy(output, targets)
    return found
