"""Measures loss and weight gradient along the weight gradient: loss variation, gradient predictiveness, smoothness."""

import torch

from normbench.any_module.random_states import set_random_states
from normbench.evidence.layers.probe_table import NETWORK
from normbench.inspection.measures.base import RecordedStep, joined, set_parameters
from normbench.inspection.norm_readings import Probes
from normbench.inspection.watch.frame import grads_of

MULTIPLES = (0.5, 1.0, 2.0, 4.0)
"""Step sizes, in units of the learning rate: around the steps that training makes."""


def measure(step: RecordedStep) -> Probes:
    """Measure loss and weight gradient at points from the weights before the step against the batch's gradient.

    The same batch with the same dropout and random state; batch statistics are of the weights at each place. The
    direction has all parameters; L1, weight decay, momentum and Adam's scales are not part of it. One pass forward and
    backward per step size.

    Returns:
        Of the whole network: ``loss_variation``, the largest loss minus the smallest over the step sizes;
        ``gradient_predictiveness``, the largest l2 norm of the gradient's change from its start; ``smoothness``, the
        largest such change over the distance walked, which for a quadratic loss is at most the largest curvature
        (effective beta-smoothness). Beside them ``step_size``, the learning rate, and for each multiple of it
        ``loss_at_0.5_lr`` and ``gradient_change_at_0.5_lr``. Nothing where no step was made.

    References:
        Santurkar, Tsipras, Ilyas and Madry, How Does Batch Normalization Help Optimization?, 2018, section 3.1.
        https://arxiv.org/abs/1805.11604
    """
    if not step.seen.updates:
        return {}
    lr = float(step.optimizer.param_groups[0]["lr"])
    names = list(step.seen.grads)
    start = joined(step.seen.grads, names)
    losses, changes = [], []
    for multiple in MULTIPLES:
        losses.append(_walk(step, multiple * lr))
        changes.append(torch.linalg.vector_norm(joined(grads_of(step.model), names) - start).item())
    length = torch.linalg.vector_norm(start).item()
    ratios = [change / (multiple * lr * length) for multiple, change in zip(MULTIPLES, changes, strict=True) if length]
    found = {
        "loss_variation": max(losses) - min(losses),
        "gradient_predictiveness": max(changes),
        "smoothness": max(ratios, default=0.0),
        "step_size": lr,
    }
    found |= {f"loss_at_{multiple:g}_lr": loss for multiple, loss in zip(MULTIPLES, losses, strict=True)}
    found |= {f"gradient_change_at_{multiple:g}_lr": c for multiple, c in zip(MULTIPLES, changes, strict=True)}
    return {NETWORK: found}


def _walk(step: RecordedStep, size: float) -> float:
    """Set the weights ``size`` times the gradient away from the start; compute gradients and return the loss."""
    grads = step.seen.grads
    places = {name: w - size * grads[name] if name in grads else w for name, w in step.seen.weights.items()}
    set_parameters(step.model, places)
    set_random_states(step.states)
    return step.backward()
