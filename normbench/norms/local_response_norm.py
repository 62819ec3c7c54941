"""Local response norm: divides each value by the squares of its neighbouring channels (AlexNet)."""

from collections.abc import Mapping
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.amp.autocast_mode import is_autocast_available

from normbench.errors import SettingError
from normbench.norms.base import FeatureShape, NormSpec, Properties, check_channels, num_positions
from normbench.parts import About, Given
from normbench.precision import at_least_float32


class LocalResponseNorm(nn.Module):
    """Damp each value where its neighbouring channels are strong at the same position.

    x / (k + alpha / size * S)^beta, where S sums the squares of ``size`` channels around the value's own;
    beyond the first and last channel are zeros. An even ``size`` reaches one further to the channels before.
    Nothing is centred and nothing learned, and training and evaluation compute the same.

    torch divides alpha by ``size`` and so does this layer; AlexNet's formula does not. The defaults are
    AlexNet's (size 5, k 2, alpha 1e-4, beta 0.75), so alpha reads 5 times 1e-4; torch's own are k 1, alpha 1e-4.

    The windows are one product with a band matrix; torch's own function pools in three dimensions and takes
    five times as long.

    Shape:
        input: (N, C, *) with one to three position axes.
        output: same shape, dtype and device as the input.

    Args:
        size: Channels in a window, 1 or more.
        alpha: Weight of the mean square [1 / input units squared].
        beta: Exponent; 0 turns the layer off.
        k: Added to the mean square, above 0.
        num_features: Channels C of the input; None takes any number.

    Raises:
        ValueError: The channels are not C.

    References:
        Krizhevsky, Sutskever and Hinton, ImageNet Classification with Deep Convolutional Neural Networks, 2012.
        https://papers.nips.cc/paper/4824

    Example:
        >>> x = torch.tensor([3.0, 4.0]).view(1, 2, 1)
        >>> LocalResponseNorm(size=2, alpha=2.0, beta=0.5, k=1.0)(x).flatten()  # by sqrt(1 + 9), sqrt(1 + 25)
        tensor([0.9487, 0.7845])
    """

    def __init__(
        self,
        size: int = 5,
        alpha: float = 5e-4,
        beta: float = 0.75,
        k: float = 2.0,
        *,
        num_features: int | None = None,
    ) -> None:
        super().__init__()
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k
        self.num_features = num_features

    def forward(self, x: Tensor) -> Tensor:
        """Divide each value by the power of its window's sum of squares."""
        if self.num_features is not None:
            check_channels(x, self.num_features)
        values = at_least_float32(x)
        device = x.device.type
        if is_autocast_available(device) and torch.is_autocast_enabled(device):
            # The product would be in half precision.
            with torch.autocast(device, enabled=False):
                return self._damped(values).to(x.dtype)
        return self._damped(values).to(x.dtype)

    def _damped(self, x: Tensor) -> Tensor:
        num_features, before = x.shape[1], self.size // 2
        weights = torch.full((num_features, num_features), self.alpha / self.size, dtype=x.dtype, device=x.device)
        window = weights.triu_(-before).tril_(self.size - 1 - before)
        denominator = torch.matmul(window, x.square().flatten(2)).add_(self.k)
        return x * denominator.log().mul_(-self.beta).exp_().view_as(x)  # pow takes twice as long


class LocalResponseNormSpec(NormSpec):
    """Each value by the squares of its neighbouring channels (Krizhevsky, Sutskever and Hinton, 2012).

    ``alpha`` is divided by ``size``, as in torch; the defaults are AlexNet's, whose alpha is not divided.
    """

    about: ClassVar[About] = About(
        formula="x / (k + alpha * mean_square) ** beta",
        paper=(
            "Krizhevsky, Sutskever and Hinton, ImageNet Classification with Deep Convolutional Neural Networks, 2012"
        ),
        url=("https://papers.nips.cc/paper/4824-imagenet-classification-with-deep-convolutional-neural-networks"),
        good_for="Rebuilding networks of 2012.",
        bad_for="Holding a signal's scale: it hardly changes small activations.",
        disagreements=(
            ("torch divides alpha by the window's size, the paper does not; the paper has k = 2, torch 1."),
        ),
    )
    name: Literal["local_response_norm"] = "local_response_norm"
    size: int = Field(5, ge=1)
    """Neighbouring channels whose squares are averaged, the channel itself included; >= 1."""
    alpha: float = Field(5e-4, ge=0)
    """Factor of the mean square, per input unit squared; >= 0."""
    beta: float = Field(0.75, ge=0)
    """Power of the divisor; >= 0, and 0 changes nothing."""
    k: float = Field(2.0, gt=0)
    """Added to alpha * mean square; > 0."""

    def build(self, feature_shape: FeatureShape) -> nn.Module:
        """Make the layer; features must have positions, as neighbouring entries of a vector mean nothing."""
        if len(feature_shape) == 1:
            rule = f"must have channels with positions, in features of shape {feature_shape}"
            raise SettingError("name", rule, self.name, "Use rms_norm or layer_norm.")
        return LocalResponseNorm(self.size, self.alpha, self.beta, self.k, num_features=feature_shape[0])

    def properties(self, feature_shape: FeatureShape, *, batch_size: int, training: bool) -> Properties:
        """Return the properties: nothing is invariant, and windows overlap over the channels of a position."""
        if min(self.size, feature_shape[0]) == 1 or 0 in (self.alpha, self.beta):
            return Properties()
        return Properties(overlapping=True, averaged_axes="C", num_statistics=batch_size * num_positions(feature_shape))

    def formula_values(self, layer: nn.Module, x: Tensor, index: tuple[int, ...]) -> Mapping[str, Tensor | Given]:
        """Return the channels of the window at one position, zeros beyond the first and the last included."""
        sample, channel, *position = index
        channels = x.movedim(1, -1)[(sample, *position)]
        padded = nn.functional.pad(channels, (self.size // 2, (self.size - 1) // 2))
        return {"mean_square": padded[channel : channel + self.size]}
