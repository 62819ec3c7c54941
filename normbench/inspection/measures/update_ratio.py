"""Measures the share of its weights' length by which each layer changed in the step."""

from torch.linalg import vector_norm

from normbench.inspection.measures.base import RecordedStep, joined
from normbench.inspection.norm_readings import Probes


def measure(step: RecordedStep) -> Probes:
    """Return ``update_ratio`` of each weighted layer: the l2 norm of its weight's update over that of its weight.

    The update is all that the step did, weight decay among it. Nothing where no step was made.
    """
    if not step.seen.updates:
        return {}
    sizes = {
        layer: [vector_norm(joined(tensors, own)).item() for tensors in (step.seen.updates, step.seen.weights)]
        for layer, own in step.weight_names.items()
    }
    return {layer: {"update_ratio": update / weight} for layer, (update, weight) in sizes.items() if weight}
