"""SwitchableNorm: the layer that normalizes by a learned mixture of instance, layer and batch statistics."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from normbench.norms._switchable_statistics import (
    Kind,
    Moments,
    followed,
    mixture,
    moments_of_batches,
    moments_of_kinds,
)
from normbench.norms.base import ZeroEffect, check_channels, keep_finite, scale_and_shift
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
