"""Measures by how much a layer's output changes where its input, its mode or its random numbers do."""

import torch
from torch import Tensor, nn

from normbench.inspection.norm_contract.measured_norm import output

YES, NO = 1e-3, 1e-2
"""Below the first share of the largest output nothing has changed, above the second something has."""
SHIFT = 20.0
"""Standard deviation of the constants that are added; inputs have about 10."""


def change(y: Tensor, other: Tensor) -> float:
    """Return the largest difference as a share of the largest output."""
    largest = other.abs().max().item()
    return (y - other).abs().max().item() / largest if largest else float((y != other).any())


def of_scale(layer: nn.Module, x: Tensor) -> float:
    """Return the change where the whole input is a third: what bends near 0 is then seen to bend."""
    return change(output(layer, x / 3), output(layer, x))


def of_sample_shift(layer: nn.Module, x: Tensor) -> float:
    """Return the change where each sample gets a constant of its own."""
    constants = SHIFT * torch.randn((len(x),) + (1,) * (x.dim() - 1), dtype=x.dtype)
    return change(output(layer, x + constants), output(layer, x))


def of_feature_shift(layer: nn.Module, x: Tensor) -> float:
    """Return the change where each feature gets a constant of its own, the same in all samples."""
    constants = SHIFT * torch.randn((1, x.shape[1]) + (1,) * (x.dim() - 2), dtype=x.dtype)
    return change(output(layer, x + constants), output(layer, x))


def of_other_samples(layer: nn.Module, x: Tensor, others: Tensor) -> float:
    """Return the change of the first sample's output where the other samples are replaced by ``others``."""
    return change(output(layer, torch.cat([x[:1], others[1:]]))[0], output(layer, x)[0])


def of_evaluation(layer: nn.Module, x: Tensor) -> float:
    """Return the change from training to evaluation mode; the layer is in training mode afterwards."""
    evaluated = output(layer.eval(), x)
    return change(evaluated, output(layer.train(), x))


def of_random_numbers(layer: nn.Module, x: Tensor) -> float:
    """Return the change where torch's random numbers are others."""
    return change(output(layer, x, seed=2), output(layer, x, seed=3))
