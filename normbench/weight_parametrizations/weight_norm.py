"""Weight norm: learns direction and length of each output filter separately."""

from typing import ClassVar, Literal

from pydantic import Field
from torch import Tensor, nn
from torch.nn.utils.parametrize import register_parametrization

from normbench.parts import About
from normbench.precision import at_least_float32
from normbench.weight_parametrizations.base import WeightParametrizationSpec


class WeightNorm(nn.Module):
    """Learn the length g and the direction v of every output filter: w = g v / ||v||.

    The length is sqrt(||v||^2 + eps), so that a filter of zeros stays 0 with a finite gradient, where torch's
    ``weight_norm`` gives NaN. g starts as that length, so that the first weight is the one that was there. The layer
    ignores the scale of v, as long as ||v||^2 is well above eps.

    Shape:
        v: (C_out, C_in, *) or (out_features, in_features).
        g: (C_out, 1, *).
        output: as v; lengths are computed in float32 where v has half precision.

    Args:
        eps: Added to the squared length [weight units squared].

    References:
        Salimans and Kingma, Weight Normalization, 2016. https://arxiv.org/abs/1602.07868

    Example:
        >>> import torch
        >>> WeightNorm()(torch.tensor([[3.0, 4.0]]), torch.tensor([[10.0]])).tolist()
        [[6.0, 8.0]]
    """

    def __init__(self, eps: float = 1e-10) -> None:
        super().__init__()
        self.eps = eps

    def forward(self, v: Tensor, g: Tensor) -> Tensor:
        """Return the weight."""
        return (at_least_float32(v) * (g / self._length(v))).to(v.dtype)

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        """Return v and g that give ``weight``."""
        return weight, self._length(weight).to(weight.dtype)

    def _length(self, v: Tensor) -> Tensor:
        dims = tuple(range(1, v.dim()))
        return (at_least_float32(v).square().sum(dims, keepdim=True) + self.eps).sqrt()


class WeightNormSpec(WeightParametrizationSpec):
    """Direction and length of each output filter learned apart (Salimans and Kingma, 2016)."""

    about: ClassVar[About] = About(
        formula="g * v / sqrt(sum_of_squares + eps)",
        paper="Salimans and Kingma, Weight Normalization, 2016",
        url="https://arxiv.org/abs/1602.07868",
        good_for="Recurrent and generative networks, and batches too small for batch norm: it sees no data.",
        bad_for="Keeping activations at one scale in a deep network: the length g is free, and nothing is measured.",
        disagreements=(
            "The paper sets g and the bias from a first batch; here, as in torch, g starts as the weight's length.",
            "torch's weight_norm has no eps: a filter of zeros gives NaN there, 0 here.",
            "Lengths are per output filter here; torch's dim=None takes one length for the whole weight.",
        ),
    )
    name: Literal["weight_norm"] = "weight_norm"
    eps: float = Field(1e-10, gt=0)
    """Added to the squared length of a filter, in weight units squared; > 0."""

    def build(self, layer: nn.Module) -> None:
        """Put v and g in place of the layer's weight."""
        register_parametrization(layer, "weight", WeightNorm(self.eps))
