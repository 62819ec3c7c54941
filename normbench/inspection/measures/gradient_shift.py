"""Measures how far a layer's weight gradient moves when the layers before it are updated: internal covariate shift."""

from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor

from normbench.any_module.random_states import set_random_states
from normbench.inspection.measures.base import RecordedStep, joined, set_parameters
from normbench.inspection.norm_readings import Probes
from normbench.inspection.watch.frame import copies, grads_of
from normbench.inspection.watch.network_layers import NetworkLayer
from normbench.models.base import Layer, learned_parameters


def measure(step: RecordedStep) -> Probes:
    """Compare each layer's weight gradient with what it is once the layers before it have made their update.

    Both are of the layer's own weight before the step, on the same batch with the same dropout. In the second, all
    parameters of earlier layers, those of their norms among them, are as the step left them; its own and all later
    ones are as before. One pass forward and backward per layer, but for the first, which nothing comes before.

    Returns:
        For each weighted layer: ``gradient_shift``, the l2 norm of the difference; ``gradient_shift_relative``, the
        same over the l2 norm before; ``gradient_shift_cosine``, the cosine between the two. Nothing where no step was
        made.

    References:
        Santurkar, Tsipras, Ilyas and Madry, How Does Batch Normalization Help Optimization?, 2018, definition 2.1.
        https://arxiv.org/abs/1805.11604
    """
    if not step.seen.updates:
        return {}
    before, after = step.seen.weights, copies(learned_parameters(step.model))
    shifts: Probes = {}
    for layer, earlier in _earlier_parameters(step.layers, list(after)):
        own = [name for name in layer.weights if name in step.seen.grads] if layer.role == "weights" else []
        if own:
            moved = step.seen.grads
            if earlier:
                mixed = {name: (after if name in earlier else before)[name] for name in after}
                moved = _gradients_at(step, mixed)
            shifts[layer.name] = _compared(joined(step.seen.grads, own), joined(moved, own))
    return shifts


def _earlier_parameters(layers: Sequence[NetworkLayer], order: list[str]) -> Iterator[tuple[NetworkLayer, set[str]]]:
    """Yield each layer with the parameters before it: those of the layers that are called before.

    In normbench's own models all that were registered before: a norm that stands behind an addition lies in no layer.
    """
    called_before: set[str] = set()
    for layer in layers:
        registered = set(order[: order.index(layer.parameters[0])]) if isinstance(layer.module, Layer) else None
        yield layer, called_before if registered is None else registered
        called_before = called_before.union(layer.parameters)


def _gradients_at(step: RecordedStep, weights: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    set_parameters(step.model, weights)
    set_random_states(step.states)
    step.backward()
    return grads_of(step.model)


def _compared(before: Tensor, after: Tensor) -> dict[str, float]:
    shift, size, size_after = (torch.linalg.vector_norm(vector) for vector in (after - before, before, after))
    return {
        "gradient_shift": shift.item(),
        "gradient_shift_relative": (shift / size).item(),
        "gradient_shift_cosine": (before @ after / (size * size_after)).item(),
    }
