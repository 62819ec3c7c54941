"""Measures by how much each layer's weight can stretch an input: the largest singular value of its matrix."""

import torch
from torch import Tensor, nn

from normbench.inspection.measures.base import RecordedStep
from normbench.inspection.norm_readings import Probes

LONGEST_SIDE = 512
"""Of a matrix's smaller side: beyond, an exact value takes seconds at each recorded step."""


def measure(step: RecordedStep) -> Probes:
    """Return ``largest_singular_value`` of each layer with one weight, after the step, as evaluation has the weight.

    The matrix has a row per output: of a convolution (C_out, C_in * positions), as in ``spectral_norm``. Where a weight
    parametrization computes the weight, it is that of what was computed. Nothing of a matrix whose smaller side is
    above 512, nor of one that is not finite.
    """
    step.model.eval()  # so that reading a weight makes no power iteration
    weights = {layer.name: _matrix(layer.module) for layer in step.weighted}
    return {
        name: {"largest_singular_value": largest_singular_value(matrix)}
        for name, matrix in weights.items()
        if matrix is not None and min(matrix.shape) <= LONGEST_SIDE and bool(torch.isfinite(matrix).all())
    }


def largest_singular_value(matrix: Tensor) -> float:
    """Return it by the eigenvalues of the smaller of M M' and M' M, in float64."""
    m = matrix.double()
    gram = m @ m.T if m.shape[0] <= m.shape[1] else m.T @ m
    largest: float = torch.linalg.eigvalsh(gram)[-1].clamp_min(0).sqrt().item()
    return largest


@torch.no_grad()
def _matrix(layer: nn.Module) -> Tensor | None:
    weight = getattr(layer, "weight", None)
    if not isinstance(weight, Tensor) or weight.dim() < 2 or weight.is_complex() or not weight.numel():
        return None
    return weight.detach().flatten(1)
