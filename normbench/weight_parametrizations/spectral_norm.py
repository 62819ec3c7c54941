"""Spectral norm: divides the weight by its largest singular value, which one power iteration a step follows."""

from collections.abc import Mapping
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.utils.parametrize import register_parametrization

from normbench.parts import MAX_ENTRIES, About, Given
from normbench.precision import at_least_float32
from normbench.random_streams import stream
from normbench.weight_parametrizations.base import WeightParametrizationSpec


class SpectralNorm(nn.Module):
    """Divide a weight by its largest singular value: w = v / sigma, so that no input is stretched by more than 1.

    sigma is left' V right, where V has a row per output filter, and left and right are estimates of its first singular
    vectors. A power iteration makes them better: left = V right / ||V right||, then right = V' left / ||V' left||. The
    vectors are buffers; each forward pass in training makes ``num_iterations`` of them, evaluation none. Derivatives
    are those of v / sigma with left and right as they are.

    These are torch's numbers. Beyond torch's, a weight of zeros stays 0 with a finite gradient, as |sigma| is taken for
    no less than eps, and a vector that V maps to nothing is kept; half precision is computed in float32; and the
    vectors start from the same draw in each run, so that no generator moves.

    Shape:
        v: (C_out, C_in, *) or (out_features, in_features).
        left: (C_out,).
        right: as many numbers as a filter has weights.
        output: as v.

    Args:
        weight: The weight as initialized, from which the vectors start.
        num_iterations: Power iterations in each forward pass of training; >= 1.
        init_iterations: Power iterations when the layer is made; >= 1, since the draw is far from any singular vector.
        eps: Smallest length that is divided by [weight units].

    References:
        Miyato, Kataoka, Koyama and Yoshida, Spectral Normalization for Generative Adversarial Networks, 2018.
        https://arxiv.org/abs/1802.05957

    Example:
        >>> import torch
        >>> weight = torch.tensor([[3.0, 0.0], [0.0, 1.0]])
        >>> SpectralNorm(weight).eval()(weight).tolist()
        [[1.0, 0.0], [0.0, 0.3333333432674408]]
    """

    left: Tensor
    right: Tensor

    def __init__(self, weight: Tensor, num_iterations: int = 1, init_iterations: int = 15, eps: float = 1e-12) -> None:
        super().__init__()
        self.num_iterations, self.eps = num_iterations, eps
        matrix, draws = weight.detach().flatten(1), stream(0, "spectral_norm")
        for name, size in zip(("left", "right"), matrix.shape, strict=True):
            drawn = torch.randn(size, generator=draws)
            self.register_buffer(name, (drawn / drawn.norm()).to(matrix))
        if not matrix.is_meta:  # there are no numbers
            self._iterate(at_least_float32(matrix), init_iterations)

    def forward(self, v: Tensor) -> Tensor:
        """Return the weight; in training, after the power iterations of one pass."""
        matrix = at_least_float32(v.flatten(1))
        if self.training:
            self._iterate(matrix, self.num_iterations)
        return (at_least_float32(v) / self.sigma(matrix)).to(v.dtype)

    def sigma(self, matrix: Tensor) -> Tensor:
        """Return the largest singular value of (C_out, *) as the vectors have it, at least eps in size."""
        # Copies, since the next pass changes the buffers, and two passes may go before one backward.
        left, right = (at_least_float32(vector).clone() for vector in (self.left, self.right))
        sigma = torch.dot(left, torch.mv(matrix, right))
        return torch.where(sigma.abs() > self.eps, sigma, self.eps)

    @torch.no_grad()
    def _iterate(self, matrix: Tensor, times: int) -> None:
        left, right = self.left.to(matrix.dtype), self.right.to(matrix.dtype)
        for _ in range(times):
            left = self._direction(torch.mv(matrix, right), left)
            right = self._direction(torch.mv(matrix.T, left), right)
        self.left.copy_(left)
        self.right.copy_(right)

    def _direction(self, image: Tensor, before: Tensor) -> Tensor:
        """Return a vector at length 1; what stood before where it is shorter than eps."""
        length = torch.linalg.vector_norm(image)
        return torch.where(length > self.eps, image / length.clamp_min(self.eps), before)


class SpectralNormSpec(WeightParametrizationSpec):
    """The weight over its largest singular value, by power iteration (Miyato et al., 2018)."""

    about: ClassVar[About] = About(
        formula="v / sigma",
        paper="Miyato, Kataoka, Koyama and Yoshida, Spectral Normalization for Generative Adversarial Networks, 2018",
        url="https://arxiv.org/abs/1802.05957",
        good_for="Discriminators of GANs, and where a dense layer must not stretch any input by more than 1.",
        bad_for="Deep networks without norms: each layer shrinks most inputs, and no learned scale makes up for it.",
        disagreements=(
            "The authors keep one vector, drawn at random, and iterate from the first pass on; torch keeps both.",
            "torch, and this, make 15 iterations when the layer is made.",
            "The authors' dense layer goes on iterating in evaluation, their convolution does not, nor does torch.",
            "The authors add eps to a length; torch, and this, divide by eps at least.",
            "torch draws the vectors from the global generator, and gives NaN for a weight of zeros, here 0.",
            "What is bounded of a convolution is the matrix of its filters; a 3x3 one may still stretch by up to 3.",
        ),
    )
    name: Literal["spectral_norm"] = "spectral_norm"
    num_iterations: int = Field(1, ge=1, le=MAX_ENTRIES)
    """Power iterations in each forward pass of training; >= 1."""
    init_iterations: int = Field(15, ge=1, le=MAX_ENTRIES)
    """Power iterations when the layer is made, from the same draw in each run; >= 1."""
    eps: float = Field(1e-12, gt=0)
    """Smallest length that is divided by, in weight units; > 0."""

    def formula_values(self, layer: nn.Module) -> Mapping[str, Given]:
        """Return sigma, the estimate of the largest singular value."""
        matrix = layer.get_parameter("parametrizations.weight.original").detach().flatten(1)
        sigma = layer.get_submodule("parametrizations.weight.0").sigma(matrix)  # type: ignore[operator]
        shape = "x".join(map(str, matrix.shape))
        return {"sigma": Given(sigma.item(), f"largest singular value of the {shape} weight, by power iteration")}

    def build(self, layer: nn.Module) -> None:
        """Divide the layer's weight by its largest singular value."""
        weight = layer.get_parameter("weight")
        spectral_norm = SpectralNorm(weight, self.num_iterations, self.init_iterations, self.eps)
        # Shape and dtype stay, so torch need not try, which would iterate once more.
        register_parametrization(layer, "weight", spectral_norm, unsafe=True)
