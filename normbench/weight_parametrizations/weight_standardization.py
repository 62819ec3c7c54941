"""Weight standardization: gives each output filter mean 0 and std 1."""

from math import sqrt
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.utils.parametrize import register_parametrization

from normbench.errors import SettingError
from normbench.parts import About
from normbench.precision import at_least_float32
from normbench.weight_parametrizations.base import WeightParametrizationSpec

Compat = Literal["none", "official"]


class WeightStandardization(nn.Module):
    """Give every output filter mean 0 and std 1: (v - mean(v)) / sqrt(var(v) + eps).

    Mean and biased variance (divided by n) are taken over the n = fan-in weights of a filter. The layer then ignores
    the scale and the mean of what is learned, v, as long as var(v) is well above eps; so weight decay on v
    changes the effective step size and not the function, until v is about as small as sqrt(eps). A filter of equal
    weights is 0, with a finite gradient.

    ``compat="official"`` is the documents' and the authors' code: unbiased std (divided by n - 1) plus
    sqrt(eps) = 1e-5, outside the root. Its weights are smaller by sqrt((n - 1) / n): 0.9991 for 64x3x3, 0.943 for
    3x3 depthwise; at std 1e-4 by another 0.91, against 0.995 here. Libraries with eps 1e-6 inside give 0.1 there.

    Shape:
        input: (C_out, C_in, *) or (out_features, in_features), at least 2 weights per filter.
        output: same shape and dtype; statistics are computed in float32 where the input has half precision.

    Args:
        eps: Added to the variance [weight units squared].
        compat: ``official`` for the published code's numbers.

    References:
        Qiao, Wang, Liu, Shen and Yuille, Micro-Batch Training with Batch-Channel Normalization and Weight
        Standardization, 2019. https://arxiv.org/abs/1903.10520

    Example:
        >>> import torch
        >>> WeightStandardization()(torch.tensor([[1.0, 3.0]])).tolist()
        [[-1.0, 1.0]]
    """

    def __init__(self, eps: float = 1e-10, *, compat: Compat = "none") -> None:
        super().__init__()
        self.eps, self.compat = eps, compat

    def forward(self, v: Tensor) -> Tensor:
        """Return the standardized weight."""
        filters = at_least_float32(v.flatten(1))
        centred = filters - filters.mean(1, keepdim=True)
        if self.compat == "official":
            standard = centred / (_std(centred) + sqrt(self.eps))
        else:
            standard = centred * (centred.square().mean(1, keepdim=True) + self.eps).rsqrt()
        return standard.view_as(v).to(v.dtype)


def _std(rows: Tensor) -> Tensor:
    """Return the unbiased std of each row; of equal values 0, with derivatives of 0, where torch's second is nan."""
    is_constant = rows.detach().std(1, correction=1, keepdim=True) == 0
    ramp = torch.arange(rows.shape[1], dtype=rows.dtype, device=rows.device)
    return (rows + is_constant * ramp).std(1, correction=1, keepdim=True).masked_fill(is_constant, 0)


class WeightStandardizationSpec(WeightParametrizationSpec):
    """Weights of mean 0 and std 1 per output filter, before the norm that follows (Qiao et al., 2019)."""

    about: ClassVar[About] = About(
        formula="(v - mean) / sqrt(var + eps)",
        paper="Qiao, Wang, Liu, Shen and Yuille, Micro-Batch Training with Batch-Channel Normalization and Weight"
        " Standardization, 2019",
        url="https://arxiv.org/abs/1903.10520",
        good_for="Convolutions followed by group norm, at batches of 1 or 2.",
        bad_for="Layers that no norm follows: the outputs grow with the square root of the fan-in.",
        disagreements=(
            "The published code divides by the unbiased std plus 1e-5, outside the root: compat: official.",
            "Other libraries put eps 1e-6 inside the root, which is felt by small initial weights.",
        ),
    )
    name: Literal["weight_standardization"] = "weight_standardization"
    eps: float = Field(1e-10, gt=0)
    """Added to the variance of a filter, in weight units squared; > 0."""
    compat: Compat = "none"
    """official divides by the unbiased std plus sqrt(eps), as the published code; none by sqrt(var + eps)."""

    def formula(self) -> str:
        """Return the formula; the published code divides the variance by n - 1 and adds sqrt(eps) to its root."""
        if self.compat == "official":
            return "(v - mean) / (sqrt(var * n / (n - 1)) + sqrt(eps))"
        return self.about.formula

    def build(self, layer: nn.Module) -> None:
        """Standardize the layer's weight; a filter of one weight would be 0 whatever it learns, and is refused."""
        weight = layer.get_parameter("weight")
        if weight[0].numel() < 2:
            rule = f"must be put on filters of 2 weights or more, not on weights of shape {tuple(weight.shape)}"
            raise SettingError("name", rule, self.name, "Use weight_norm.")
        standardization = WeightStandardization(self.eps, compat=self.compat)
        # Shape and dtype stay, so torch need not try: on the meta device the trial imports torch's compiler.
        register_parametrization(layer, "weight", standardization, unsafe=True)
