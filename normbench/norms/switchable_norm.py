"""Switchable norm: normalizes by a learned mixture of instance, layer and batch statistics."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from normbench.errors import SettingError
from normbench.norms._switchable_statistics import (
    Kind,
    Moments,
    followed,
    mixture,
    moments_of_batches,
    moments_of_kinds,
)
from normbench.norms.base import (
    FeatureShape,
    NormSpec,
    Properties,
    ZeroEffect,
    axes,
    check_channels,
    keep_finite,
    num_positions,
    position_axes,
    scale_and_shift,
)
from normbench.parts import About, Given
from normbench.precision import at_least_float32

Average = Literal["moving", "batch"]
Compat = Literal["none", "official"]

KINDS: tuple[Kind, ...] = ("instance", "layer", "batch")


class SwitchableNorm(nn.Module):
    """Normalize by a learned mixture of instance, layer and batch statistics.

    The mean is sum_k softmax(mean_weight)_k mean_k, the variance sum_k softmax(var_weight)_k var_k: two mixtures of
    their own, which start equal. All means and biased variances are made from those of the single maps; a variance
    over several maps is the mean of theirs plus the variance of their means, which does not cancel far from zero.
    In evaluation the batch's share comes from running statistics, of the biased variance, so that both modes agree on
    average. They start at 0 and 1, as in batch_norm: an evaluation before training leaves that share as it is.
    A map of one position has variance 0, as has a batch of one value.

    ``compat="official"`` computes as the authors' code: variances of single maps, and on (N, C) all, are unbiased (of
    white noise, layer and batch variance grow by 1.25 at 2x2, 1.016 at 8x8); running_var starts at 0, so that an
    evaluation after t steps uses (1 - 0.9^t) of the variance: 0.10, 0.41, 0.88 after 1, 5, 20; with
    ``average="batch"`` the buffers hold sums that nothing divides: after 100 batches of mean 3, running_mean is 300.
    One value has no unbiased variance: refused. The code's momentum 0.9 (0.997 for 1d and 3d) is 0.1 (0.003) here.

    Shape:
        input: (N, C, *) with C = num_features, up to three position axes.
        output: same shape, dtype and device as the input.

    Args:
        num_features: Channels C of the input.
        eps: Added to the mixed variance [input units squared].
        momentum: Share of the NEW batch in the running statistics, 0 to 1, if ``average`` is ``moving``.
        kinds: Which statistics are mixed; (N, C) takes no ``instance``.
        average: Running statistics of the latest steps (``moving``), or over all batches since the last reset
            (``batch``): mean of the means, variance of all values together.
        affine: Learn a weight (starts at 1) and a bias (starts at 0) per channel.
        compat: ``official`` for the published code's numbers.
        learn_mixing: False keeps all shares equal: the weights are buffers, which nothing changes.

    Raises:
        ValueError: An unbiased variance of one value is asked for, or the channels are not C.

    References:
        Luo, Ren, Peng, Zhang and Li, Differentiable Learning-to-Normalize via Switchable Normalization, 2018.
        https://arxiv.org/abs/1806.10779

    Example:
        >>> layer = SwitchableNorm(6)
        >>> layer(torch.randn(4, 6, 5, 5)).shape
        torch.Size([4, 6, 5, 5])
        >>> round(layer.mixing_weights()["mean.batch"].item(), 3)
        0.333
    """

    zero_effects: ClassVar[tuple[ZeroEffect, ...]] = (
        ZeroEffect(
            "mixing weights",
            ("mean_weight", "var_weight"),
            "At 0 all kinds of statistics have the same share, so that what the layer learns of them is held back.",
        ),
    )
    mean_weight: Tensor
    var_weight: Tensor
    running_mean: Tensor
    running_var: Tensor
    num_batches_tracked: Tensor

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        *,
        kinds: tuple[Kind, ...] = KINDS,
        average: Average = "moving",
        affine: bool = True,
        compat: Compat = "none",
        learn_mixing: bool = True,
    ) -> None:
        super().__init__()
        self.num_features, self.eps, self.momentum, self.kinds = num_features, eps, momentum, kinds
        self.average, self.is_official = average, compat == "official"
        for name in ("mean_weight", "var_weight"):
            if learn_mixing:
                self.register_parameter(name, nn.Parameter(torch.empty(len(kinds))))
            else:
                self.register_buffer(name, torch.empty(len(kinds)))
        self.weight = nn.Parameter(torch.empty(num_features)) if affine else None
        self.bias = nn.Parameter(torch.empty(num_features)) if affine else None
        self.register_buffer("running_mean", torch.empty(num_features))
        self.register_buffer("running_var", torch.empty(num_features))
        self.register_buffer("num_batches_tracked", torch.tensor(0))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set equal shares of all kinds, weight 1 and bias 0, and reset the running statistics."""
        for ones in (self.mean_weight, self.var_weight, self.weight):
            if ones is not None:
                nn.init.ones_(ones)
        if self.bias is not None:
            nn.init.zeros_(self.bias)
        self.reset_running_stats()

    def reset_running_stats(self) -> None:
        """Reset the running statistics and the number of batches."""
        self.running_mean.zero_()
        self.running_var.fill_(0.0 if self.is_official else 1.0)
        self.num_batches_tracked.zero_()

    def mixing_weights(self) -> dict[str, Tensor]:
        """Return the share of each kind in the mean and in the variance: "mean.instance" .. "var.batch"."""
        shares = {"mean": self.mean_weight.detach().softmax(0), "var": self.var_weight.detach().softmax(0)}
        return {f"{name}.{kind}": share[k] for name, share in shares.items() for k, kind in enumerate(self.kinds)}

    @torch.no_grad()
    def use_only(self, kind: Kind) -> None:
        """Set the share of one kind of statistics to exactly 1, and of the others to 0."""
        for weights in (self.mean_weight, self.var_weight):
            weights.fill_(-1000.0)  # exp(-1000) is 0 in every dtype
            weights[self.kinds.index(kind)] = 0.0

    def forward(self, x: Tensor) -> Tensor:
        """Normalize by the mixture of the input's own and, in evaluation, the running statistics."""
        check_channels(x, self.num_features)
        if not x.numel():  # no statistics
            return scale_and_shift(x, self.weight, self.bias)
        return self._mixed(x, *self.moments(x))

    def forward_batches(self, x: Tensor, sizes: Sequence[int]) -> Tensor:
        """Normalize each of several training batches with its own statistics, and remember the averages of these.

        With ``average="batch"`` it remembers them one after the other.
        """
        check_channels(x, self.num_features)
        centred, mean = _centred_maps(x)
        measured = tuple(kind for kind in self.kinds if kind != "batch")
        kinds = moments_of_kinds(mean, centred, measured, official=self.is_official)
        if "batch" in self.kinds:
            of_maps, size = kinds["instance"], centred.shape[2]
            means, variances = moments_of_batches(*of_maps, sizes, size, official=self.is_official)
            self._remember_averages(means, variances)
            repeats = torch.tensor(sizes, device=x.device)
            kinds["batch"] = means.repeat_interleave(repeats, 0), variances.repeat_interleave(repeats, 0)
        return self._mixed(x, centred, mean, kinds)

    def _mixed(self, x: Tensor, centred: Tensor, mean: Tensor, kinds: Mapping[Kind, Moments]) -> Tensor:
        mixed_mean = mixture(self.mean_weight, [kinds[kind][0] for kind in self.kinds])
        mixed_var = mixture(self.var_weight, [kinds[kind][1] for kind in self.kinds])
        scale = (mixed_var + self.eps).rsqrt()
        shift = (mean - mixed_mean) * scale
        if self.weight is not None and self.bias is not None:
            weight, bias = self.weight.unsqueeze(1), self.bias.unsqueeze(1)
            scale, shift = scale * weight, shift * weight + bias
        return (centred * scale + shift).view(x.shape).to(x.dtype)

    def moments(self, x: Tensor) -> tuple[Tensor, Tensor, dict[Kind, Moments]]:
        """Return x minus the mean of its map, (N, C, L), that mean, and mean and variance of each kind, (N, C, 1).

        In training this is what updates the running statistics.
        """
        centred, mean = _centred_maps(x)
        return centred, mean, self._moments(mean, centred)

    def _moments(self, mean: Tensor, centred: Tensor) -> dict[Kind, Moments]:
        measured = tuple(kind for kind in self.kinds if self.training or kind != "batch")
        found = moments_of_kinds(mean, centred, measured, official=self.is_official)
        if "batch" in measured:
            self._remember(*(moment.detach()[0].clone() for moment in found["batch"]))
        elif "batch" in self.kinds:
            found["batch"] = self._running()
        return found

    def _running(self) -> Moments:
        return at_least_float32(self.running_mean).unsqueeze(1), at_least_float32(self.running_var).unsqueeze(1)

    def _remember_averages(self, means: Tensor, variances: Tensor) -> None:
        if self.average == "moving":
            self._remember(means.mean(0), variances.mean(0))
            return
        for mean, var in zip(means.clone(), variances.clone(), strict=True):
            self._remember(mean, var)

    def _remember(self, mean: Tensor, var: Tensor) -> None:
        keep_finite(mean, var)
        self.num_batches_tracked.add_(1)
        momentum = self.momentum if self.average == "moving" else None
        new = followed(self._running(), (mean, var), self.num_batches_tracked, momentum, official=self.is_official)
        for buffer, value in zip((self.running_mean, self.running_var), new, strict=True):
            buffer.copy_(value.squeeze(1))
        keep_finite(self.running_mean, self.running_var)


def _centred_maps(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return x minus the mean of its map, (N, C, L), and that mean, (N, C, 1)."""
    maps = at_least_float32(x.flatten(2) if x.dim() > 2 else x.unsqueeze(2))
    mean = maps.mean(2, keepdim=True)
    return maps - mean, mean


class SwitchableNormSpec(NormSpec):
    """A learned mixture of instance, layer and batch statistics (Luo et al., 2018).

    Features without positions, or with one, mix layer and batch statistics alone: one value has no variance.
    """

    about: ClassVar[About] = About(
        formula="(x - mean) / sqrt(var + eps) * weight + bias",
        paper=("Luo, Ren, Peng, Zhang and Li, Differentiable Learning-to-Normalize via Switchable Normalization, 2018"),
        url="https://arxiv.org/abs/1806.10779",
        good_for="Finding out which normalizer a layer would choose; batch sizes that change.",
        bad_for="Speed, and few positions per map, where the instance statistics are poor.",
        disagreements=(
            ("The published code takes the instance variance divided by n - 1, which makes the other two too large."),
            "The published momentum 0.9 is the share of the old value: 0.1 here.",
            ("The published running statistics start at 0, so that an early evaluation divides by too little."),
        ),
        documents=("The document's code mixes with the raw weights, without the softmax.",),
    )
    name: Literal["switchable_norm"] = "switchable_norm"
    average: Average = "moving"
    """Statistics for evaluation: a moving average, or all training batches alike (batch)."""
    eps: float = Field(1e-5, gt=0)
    """Added to the variance, in input units squared; > 0."""
    momentum: float = Field(0.1, ge=0, le=1)
    """Share of the new batch in the moving average, 0 to 1; other sources count the share of the old value."""
    affine: Literal["channel", "none"] = "channel"
    """Learn a weight and a bias per channel, or none."""
    compat: Compat = "none"
    """official divides and starts as the published code does; none takes all variances alike."""
    learn_mixing: bool = True
    """Learn the weights of the mixture; false keeps all kinds at equal shares."""

    def build(self, feature_shape: FeatureShape) -> nn.Module:
        """Make a layer for C channels that mixes the kinds of statistics which these features have."""
        if self.compat == "official" and feature_shape[0] == num_positions(feature_shape) == 1:
            rule = f"must be none for features of shape {feature_shape}, one value per sample"
            raise SettingError("compat", rule, self.compat, "Use compat: none.")
        return SwitchableNorm(
            feature_shape[0],
            self.eps,
            self.momentum,
            kinds=_kinds(feature_shape),
            average=self.average,
            affine=self.affine == "channel",
            compat=self.compat,
            learn_mixing=self.learn_mixing,
        )

    def properties(self, feature_shape: FeatureShape, *, batch_size: int, training: bool) -> Properties:
        """Return the properties that all kinds in use have, with the axes and number of statistics of each."""
        positions, num_features = position_axes(feature_shape), feature_shape[0]
        counts = {"instance": batch_size * num_features, "layer": batch_size, "batch": num_features}
        averaged = {"instance": positions, "layer": axes("C", positions), "batch": axes("N", positions)}
        measured = [kind for kind in _kinds(feature_shape) if training or kind != "batch"]
        return Properties(
            input_scale=training,
            feature_shift=training and num_features == 1,
            sample_independent=not training,
            same_in_eval=False,
            averaged_axes=" | ".join(averaged[kind] for kind in measured),
            num_statistics=sum(counts[kind] for kind in measured),
        )

    def formula_values(self, layer: nn.Module, x: Tensor, index: tuple[int, ...]) -> Mapping[str, Tensor | Given]:
        """Return the mixed mean and variance, each with the share and the value of every kind."""
        assert isinstance(layer, SwitchableNorm)
        centred, _, kinds = layer.moments(x)
        place, like, shares = index[:2], centred[:, :, 0], layer.mixing_weights()
        found = {}
        for k, name in enumerate(("mean", "var")):
            terms = {
                kind: (shares[f"{name}.{kind}"].item(), kinds[kind][k][..., 0].expand_as(like)[place].item())
                for kind in layer.kinds
            }
            how = " + ".join(f"{share:.6g} * {value:.6g} ({kind})" for kind, (share, value) in terms.items())
            found[name] = Given(sum(share * value for share, value in terms.values()), how)
        return found

    def check_batch(self, feature_shape: FeatureShape, batch_size: int) -> None:
        """Refuse one value per channel where the published code would divide by 0."""
        if self.compat == "official" and batch_size == num_positions(feature_shape) == 1:
            rule = f"must give switchable_norm with compat: official 2 values per channel (features {feature_shape})"
            raise SettingError("batch_size", rule, batch_size, "Use a larger batch, or compat: none.")


def _kinds(feature_shape: FeatureShape) -> tuple[Kind, ...]:
    return KINDS if num_positions(feature_shape) > 1 else KINDS[1:]
