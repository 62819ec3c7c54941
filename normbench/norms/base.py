"""NormSpec: the base class of norms, whose ``build`` makes a layer, and the properties that a layer declares."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from math import nan, prod
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.autograd.grad_mode import _unsafe_preserve_version_counter
from torch.nn import functional as F  # noqa: N812 - torch's idiom

from normbench.errors import SettingError
from normbench.parts import About, Given, Spec
from normbench.precision import at_least_float32

FeatureShape = tuple[int, ...]
"""One sample's shape: (C,), (C, L), (C, H, W) or (C, D, H, W)."""


@dataclass(frozen=True)
class Properties:
    """The properties of a built layer in training or evaluation; the contract test measures each of them.

    Attributes:
        input_scale: Whether f(a x) = f(x) for a > 0.
        sample_shift: Whether one constant added to a whole sample changes nothing.
        feature_shift: Whether one constant added to a feature in all samples changes nothing.
        sample_independent: Whether a sample's output does not depend on the other samples.
        same_in_eval: Whether training and evaluation mode compute the same.
        random: Whether two passes over the same input differ.
        vmap: Whether it works under ``torch.func.vmap`` with stacked parameters and buffers, each layer with random
            numbers of its own (``randomness="different"``).
        averaged_axes: Axes over which one mean and variance are taken, as letters ("N H W"); "" for none,
            "H W | N H W" for statistics of several kinds.
        overlapping: Whether each value has its own statistics, over a window that overlaps its neighbours'.
        num_statistics: Number of (mean, variance) pairs of one batch of ``batch_size``.
    """

    input_scale: bool = False
    sample_shift: bool = False
    feature_shift: bool = False
    sample_independent: bool = True
    same_in_eval: bool = True
    random: bool = False
    vmap: bool = True
    averaged_axes: str = ""
    num_statistics: int = 0
    overlapping: bool = False


@dataclass(frozen=True)
class Ramp:
    """A setting that comes into effect in the course of training, in a straight line.

    Attributes:
        setting: Its name; ``<setting>_steps`` says when.
        first: The training step, counted from 0, until which it has no effect.
        last: The training step from which it is in effect in full.
        before: The norm that the layer is without it.
    """

    setting: str
    first: int
    last: int
    before: str


@dataclass(frozen=True)
class ZeroEffect:
    """What becomes of a layer whose own learned numbers, beside weight and bias, are drawn to 0 by weight decay.

    A layer lists its own in ``zero_effects``, and preflight warns where weight decay acts on them.

    Attributes:
        kind: What the numbers are, as "mixing weights" or "a learned slope".
        names: Their names in the layer.
        effect: Sentences that say what the layer computes at 0, or what that holds back.
    """

    kind: str
    names: tuple[str, ...]
    effect: str


class NormSpec(Spec):
    """The settings of a normalization layer in YAML."""

    about: ClassVar[About]
    own_activation: ClassVar[str] = ""
    """The activation that the layer computes after normalizing, in words, so that none follows it; "" for none."""

    @abstractmethod
    def build(self, feature_shape: FeatureShape) -> nn.Module:
        """Make the layer for samples of ``feature_shape``.

        Raises:
            SettingError: A setting does not fit this shape.
        """

    @abstractmethod
    def properties(self, feature_shape: FeatureShape, *, batch_size: int, training: bool) -> Properties:
        """Return the properties of the built layer in this mode."""

    def formula_values(self, layer: nn.Module, x: Tensor, index: tuple[int, ...]) -> Mapping[str, Tensor | Given]:
        """Return what the names in the formula stand for at ``x[index]`` in training, where it is no setting.

        A tensor holds the values that a name ending in mean, var or mean_square is taken over. What is left out is
        taken over all values that the output at ``index`` depends on; so most norms return nothing. Random numbers
        are drawn as in a pass of the layer.
        """
        return {}

    def ramps(self) -> tuple[Ramp, ...]:
        """Return the settings that come into effect in the course of training; here none."""
        return ()

    def fewest_samples(self, feature_shape: FeatureShape, batch_size: int) -> int:
        """Return the smallest number of samples that one statistic of a batch is taken over; here all."""
        return batch_size

    def check_batch(self, feature_shape: FeatureShape, batch_size: int) -> None:
        """Refuse a batch size with which this layer cannot be trained.

        Raises:
            SettingError: One value per channel has no variance.
        """


def num_positions(feature_shape: FeatureShape) -> int:
    """Return the number of positions of each channel: H W for (C, H, W), 1 for (C,)."""
    return prod(feature_shape[1:])


def position_axes(feature_shape: FeatureShape) -> str:
    """Return the letters of the position axes: "H W" for (C, H, W)."""
    return {1: "", 2: "L", 3: "H W", 4: "D H W"}[len(feature_shape)]


def axes(*letters: str) -> str:
    """Join axis letters by spaces, without empty ones."""
    return " ".join(letter for letter in letters if letter)


def scale_and_shift(x: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
    """Return weight x + bias, channel by channel, of (N, C, *) in the dtype of x; x itself without them."""
    if weight is None or bias is None:
        return x
    shape = (-1,) + (1,) * (x.dim() - 2)
    return torch.addcmul(bias.view(shape), at_least_float32(x), weight.view(shape)).to(x.dtype)


def group_norm(x: Tensor, num_groups: int, weight: Tensor | None, bias: Tensor | None, eps: float) -> Tensor:
    """Return torch's group norm of (N, C, *), computed in float32 where x has half precision, in the dtype of x."""
    if not x.numel():  # torch's gradient for the weight would be nan
        return scale_and_shift(x, weight, bias)
    weight, bias = at_least_float32(weight), at_least_float32(bias)
    return F.group_norm(at_least_float32(x), num_groups, weight, bias, eps).to(x.dtype)


def check_channels(x: Tensor, num_features: int) -> None:
    """Refuse an input whose second axis is not as long as the layer was built for.

    Raises:
        ValueError: Where torch would broadcast, or normalize channels together that are not one.
    """
    if x.shape[1:2] != (num_features,):
        rule = f"must have {num_features} channels, of shape (N, {num_features}, *)"
        raise ValueError(f"input: {rule}, got shape {tuple(x.shape)}. Build the layer for as many channels as it gets.")


def refuse_lone_values(name: str, feature_shape: FeatureShape, values: int) -> None:
    """Refuse a shape in which each mean would be taken over a single value.

    Raises:
        SettingError: ``values`` is below 2; the layer would put out zeros.
    """
    if values < 2:
        raise SettingError(
            "name",
            f"must average over 2 values or more per statistic in features of shape {feature_shape}",
            name,
            f"Use {' or '.join(other for other in ('batch_norm', 'layer_norm') if other != name)}.",
        )


def refuse_lone_batch_values(name: str, feature_shape: FeatureShape, batch_size: int) -> None:
    """Refuse a batch with one value per channel, which has no variance.

    Raises:
        SettingError: It has one position of one sample.
    """
    if batch_size * num_positions(feature_shape) < 2:
        raise SettingError(
            "batch_size",
            f"must give {name} 2 values per channel or more (features of shape {feature_shape})",
            batch_size,
            "Use a larger batch, or norm: layer_norm, which does not look at the batch.",
        )


def keep_finite(*buffers: Tensor) -> None:
    """Limit running statistics to the largest float, since an inf from one batch would never leave them."""
    # Autograd has noted the buffers' version for the backward pass, which in training does not read them.
    with _unsafe_preserve_version_counter(tuple(buffer for buffer in buffers if not buffer.is_inference())):
        for buffer in buffers:
            buffer.nan_to_num_(nan=nan)  # only inf changes
