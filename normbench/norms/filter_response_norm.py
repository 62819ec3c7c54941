"""Filter response norm: divides each map by its root mean square; brings a ReLU with a learned threshold."""

from collections.abc import Mapping
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from normbench.norms._by_samples import by_samples
from normbench.norms._sum_of_squares import sum_of_squares
from normbench.norms.base import (
    FeatureShape,
    NormSpec,
    Properties,
    check_channels,
    num_positions,
    position_axes,
    scale_and_shift,
)
from normbench.parts import About, Given
from normbench.precision import at_least_float32

FIRST_LEARNED_EPS = 1e-4


class FilterResponseNorm(nn.Module):
    """Divide each map by its root mean square, scale and shift it, and put the threshold in place of what is below it.

    max(x / sqrt(mean(x^2) + eps) * weight + bias, threshold): no mean is taken away and no other map plays a part, so
    training and evaluation compute the same. The maximum is the layer's activation, a ReLU whose threshold is learned
    per channel (the thresholded linear unit): no other activation follows it.

    A map of one position is divided by its own size, which leaves little more than its sign. There ``eps`` is too
    small to help, and |learned_eps| is added to it, one number of the layer that starts at 1e-4, as in the paper.

    Shape:
        input: (N, C, *) with C = num_features.
        output: same shape, dtype and device as the input.

    Args:
        num_features: Channels C of the input.
        eps: Added to the mean square, inside the root [input units squared].
        learn_eps: Add a learned number to it, as maps of one position need it.

    Raises:
        ValueError: The channels are not C.

    References:
        Singh and Krishnan, Filter Response Normalization Layer: Eliminating Batch Dependence in the Training of Deep
        Neural Networks, 2019. https://arxiv.org/abs/1911.09737

    Example:
        >>> x = torch.tensor([[[1.0, -7.0]]])  # the mean of 1 and 49 is 25
        >>> FilterResponseNorm(1, eps=0.0)(x)
        tensor([[[0.2000, 0.0000]]], grad_fn=<...>)
    """

    learned_eps: nn.Parameter | None

    def __init__(self, num_features: int, eps: float = 1e-6, *, learn_eps: bool = False) -> None:
        super().__init__()
        self.num_features, self.eps = num_features, eps
        self.weight = nn.Parameter(torch.empty(num_features))
        self.bias = nn.Parameter(torch.empty(num_features))
        self.threshold = nn.Parameter(torch.empty(num_features))
        self.learned_eps = nn.Parameter(torch.empty(1)) if learn_eps else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Start with weight 1, bias and threshold 0."""
        nn.init.ones_(self.weight)
        nn.init.zeros_(self.bias)
        nn.init.zeros_(self.threshold)
        if self.learned_eps is not None:
            nn.init.constant_(self.learned_eps, FIRST_LEARNED_EPS)

    def forward(self, x: Tensor) -> Tensor:
        """Divide by the root mean square, scale and shift, and cut off below the threshold."""
        check_channels(x, self.num_features)
        if not x.numel():
            return scale_and_shift(x, self.weight, self.bias)
        learned = () if self.learned_eps is None else (self.learned_eps.abs(),)
        parameters = map(at_least_float32, (self.weight, self.bias, self.threshold, *learned))
        return by_samples(_Response(self.eps), at_least_float32(x), *parameters).to(x.dtype)


class _Response:
    """The layer's output for (N, C, L), and its gradients; ``more`` is what is learned of eps, if anything."""

    def __init__(self, eps: float) -> None:
        self.eps = eps

    def __call__(self, x: Tensor, weight: Tensor, bias: Tensor, threshold: Tensor, *more: Tensor) -> Tensor:
        # relu(y - threshold) + threshold is the maximum of both, and takes a third of its time.
        return self._above(x, self._factor(x, more) * weight, bias, threshold).relu_() + threshold

    def _above(self, x: Tensor, scale: Tensor, bias: Tensor, threshold: Tensor) -> Tensor:
        return x * scale + (bias - threshold)

    def _factor(self, x: Tensor, more: tuple[Tensor, ...]) -> Tensor:
        eps = self.eps + more[0] if more else self.eps
        return torch.rsqrt(sum_of_squares(x, (2,)) / x.shape[2] + eps)

    def gradients(
        self, grad: Tensor, x: Tensor, weight: Tensor, bias: Tensor, threshold: Tensor, *more: Tensor
    ) -> tuple[Tensor, ...]:
        factor = self._factor(x, more)
        scale = factor * weight
        above = torch.ops.aten.threshold_backward(grad, self._above(x, scale, bias, threshold), 0.0)
        of_bias = above.sum((0, 2)).unsqueeze(1)
        of_threshold = grad.sum((0, 2)).unsqueeze(1) - of_bias
        of_scale = (above * x).sum(2, keepdim=True)
        of_mean_square = of_scale * scale * factor.square() / -2
        of_x = (above * scale).addcmul_(x, of_mean_square * (2 / x.shape[2]))
        of_eps = (of_mean_square.sum((0, 1)).unsqueeze(1),) if more else ()
        return of_x, (of_scale * factor).sum(0), of_bias, of_threshold, *of_eps


class FilterResponseNormSpec(NormSpec):
    """Each map by its root mean square, then a ReLU with a learned threshold (Singh and Krishnan, 2019).

    The layer is norm and activation in one: the ReLU that a model has right behind its norms is left out. Where none
    stands there, the maximum is one activation more, and preflight says so. On features without positions, as in dense
    layers, a value is divided by its own size, and a learned number that starts at 1e-4 is added to eps.
    https://arxiv.org/abs/1911.09737
    """

    own_activation: ClassVar[str] = "thresholded linear unit"
    about: ClassVar[About] = About(
        formula="max(x / sqrt(mean_square + eps) * weight + bias, threshold)",
        paper="Singh and Krishnan, Filter Response Normalization Layer, 2019",
        url="https://arxiv.org/abs/1911.09737",
        good_for="Convolutional networks with batches of any size: it does not look at the batch.",
        bad_for="Dense layers: of a single value little more than the sign is left.",
        disagreements=(
            "eps is 1e-6 in the paper and here, 1e-5 in timm.",
            "Where maps have one position the paper learns 1e-6 + |e|, e from 1e-4; many versions learn none.",
            "TensorFlow Addons' layer has no threshold, so that an activation must follow it.",
        ),
    )
    name: Literal["filter_response_norm"] = "filter_response_norm"
    eps: float = Field(1e-6, gt=0)
    """Added to the mean square, in input units squared; > 0."""

    def build(self, feature_shape: FeatureShape) -> nn.Module:
        """Make a layer for C channels and any positions; with one position it learns a part of eps."""
        return FilterResponseNorm(feature_shape[0], self.eps, learn_eps=num_positions(feature_shape) == 1)

    def properties(self, feature_shape: FeatureShape, *, batch_size: int, training: bool) -> Properties:
        """Return the properties: each map's scale is lost, constants stay; of one position nothing is averaged."""
        if num_positions(feature_shape) == 1:
            return Properties()
        num_statistics = batch_size * feature_shape[0]
        return Properties(input_scale=True, averaged_axes=position_axes(feature_shape), num_statistics=num_statistics)

    def formula_values(self, layer: nn.Module, x: Tensor, index: tuple[int, ...]) -> Mapping[str, Tensor | Given]:
        """Return the values of the map, where it starts to cut, and eps where a part of it is learned."""
        assert isinstance(layer, FilterResponseNorm)
        found: dict[str, Tensor | Given] = {
            "mean_square": x[index[:2]].reshape(-1),
            "threshold": Given(layer.threshold[index[1]].item(), "learned, starts at 0"),
        }
        if layer.learned_eps is not None:
            learned = layer.learned_eps.abs().item()
            found["eps"] = Given(self.eps + learned, f"{self.eps:g} + {learned:g}, which is learned")
        return found
