"""How far a layer's gradient moves when the layers before it make their update: internal covariate shift."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from normbench.models.base import learned_parameters, weight_parameters, weighted_layers
from normbench.training.watching import copies, grads_of, same_random_states_after, set_random_states


def gradient_shifts(
    model: nn.Module,
    backward: Callable[[], object],
    weights: Mapping[str, Tensor],
    grads: Mapping[str, Tensor],
    states: list[Tensor],
) -> dict[str, dict[str, float]]:
    """Compare each layer's gradient with what it is once the layers before it have made their update of this step.

    Both are of the layer's own weight before the step, on the same batch with the same dropout. In the second, all
    parameters of earlier layers, those of their norms among them, are as the step left them; its own and all later
    ones are as before. One pass forward and backward per layer, but for the first, which nothing comes before.
    Parameters, buffers, gradients and random states are put back.

    Args:
        model: In training mode, after the step.
        backward: Sets the gradients of the batch's loss anew.
        weights: Every parameter before the step, by name.
        grads: Every gradient before the step, by its parameter's name.
        states: The random states from before the step's forward pass.

    Returns:
        For each weighted layer: ``gradient_shift``, the l2 norm of the difference; ``gradient_shift_relative``, the
        same over the l2 norm before; ``gradient_shift_cosine``, the cosine between the two.

    References:
        Santurkar, Tsipras, Ilyas and Madry, How Does Batch Normalization Help Optimization?, 2018, definition 2.1.
        https://arxiv.org/abs/1805.11604
    """
    learned = learned_parameters(model)
    after, order = copies(learned), list(learned)
    shifts = {}
    with _all_put_back(model), same_random_states_after():
        for layer in weighted_layers(model):
            num_earlier = next(i for i, name in enumerate(order) if name.startswith(f"{layer}."))
            _set(learned, {name: (after if i < num_earlier else weights)[name] for i, name in enumerate(order)})
            if num_earlier:
                set_random_states(states)
                backward()
            own = _weight_names(model, layer)
            moved = grads_of(model) if num_earlier else grads
            shifts[layer] = _compared(_joined(grads, own), _joined(moved, own))
    return shifts


def _weight_names(model: nn.Module, layer: str) -> list[str]:
    own = {id(parameter) for parameter in weight_parameters(model.get_submodule(layer))}
    return [name for name, parameter in learned_parameters(model).items() if id(parameter) in own]


def _joined(grads: Mapping[str, Tensor], names: list[str]) -> Tensor:
    return torch.cat([grads[name].flatten().double() for name in names])


def _compared(before: Tensor, after: Tensor) -> dict[str, float]:
    shift, size, size_after = (torch.linalg.vector_norm(vector) for vector in (after - before, before, after))
    return {
        "gradient_shift": shift.item(),
        "gradient_shift_relative": (shift / size).item(),
        "gradient_shift_cosine": (before @ after / (size * size_after)).item(),
    }


@torch.no_grad()
def _set(parameters: Mapping[str, nn.Parameter], values: Mapping[str, Tensor]) -> None:
    for name, parameter in parameters.items():
        parameter.copy_(values[name])


@contextmanager
def _all_put_back(model: nn.Module) -> Iterator[None]:
    """Put parameters, buffers and gradients back after the block."""
    state = [(tensor, tensor.detach().clone()) for tensor in (*model.parameters(), *model.buffers())]
    grads = [(parameter, parameter.grad) for parameter in model.parameters()]
    try:
        yield
    finally:
        with torch.no_grad():
            for tensor, value in state:
                tensor.copy_(value)
        for parameter, grad in grads:
            parameter.grad = grad
