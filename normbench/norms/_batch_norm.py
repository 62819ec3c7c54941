"""BatchNorm: the layer, on which other norms build; normalizes by the batch, by running statistics in evaluation."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - torch's idiom
from torch.nn.modules.batchnorm import _BatchNorm

from normbench.norms._stacked_batch_norm import StackedBatchNorm
from normbench.norms.base import check_channels, keep_finite, scale_and_shift
from normbench.precision import HALF_PRECISION, at_least_float32

Stats = tuple[Tensor | None, Tensor | None]
"""Running mean and variance, which torch's kernel updates in training."""


class BatchNorm(_BatchNorm):
    """Give every channel zero mean and unit variance over the batch; remember both for evaluation.

    In training, mean and biased variance (divided by n) are taken over the batch and all positions of
    a channel. In evaluation the running statistics are used, which training has averaged with the
    share ``momentum`` for each NEW batch; the running variance is the unbiased one (divided by n - 1).
    This is torch's own layer for any number of position axes, with buffers that stay finite and that an empty batch
    does not move.

    Training never reads the running statistics, so one training can carry those of several momenta:
    ``extra_running_mean`` and ``extra_running_var`` hold a row for each of ``extra_momenta``.

    Shape:
        input: (N, C, *) with C = num_features, up to three position axes.
        output: same shape, dtype and device as the input.

    Args:
        num_features: Channels C of the input.
        eps: Added to the variance [input units squared].
        momentum: Share of the new batch in the running statistics, 0 to 1; its memory is about 1 / momentum steps.
            None averages all batches equally. Other sources (TensorFlow, some papers) call the share of the OLD
            value momentum.
        affine: Learn a weight (starts at 1) and a bias (starts at 0) per channel.
        track_running_stats: False keeps nothing, and evaluation normalizes with its own batch.
        extra_momenta: Further momenta, each with running statistics that nothing reads by itself.

    Raises:
        ValueError: A training batch has one value per channel, which has no variance, or the channels are not C.

    References:
        Ioffe and Szegedy, Batch Normalization, 2015. https://arxiv.org/abs/1502.03167

    Example:
        >>> BatchNorm(6)(torch.randn(4, 6, 5, 5)).shape
        torch.Size([4, 6, 5, 5])
    """

    stacked_form = StackedBatchNorm

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        *,
        affine: bool = True,
        track_running_stats: bool = True,
        extra_momenta: Sequence[float] = (),
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats)
        self.extra_momenta = tuple(extra_momenta)
        if self.extra_momenta:
            self.register_buffer("extra_running_mean", torch.zeros(len(self.extra_momenta), num_features))
            self.register_buffer("extra_running_var", torch.ones(len(self.extra_momenta), num_features))

    def reset_running_stats(self) -> None:
        """Start all running means at 0 and variances at 1."""
        super().reset_running_stats()
        if getattr(self, "extra_momenta", ()):
            self.get_buffer("extra_running_mean").zero_()
            self.get_buffer("extra_running_var").fill_(1)

    def _check_input_dim(self, input: Tensor) -> None:  # noqa: A002 - torch's name
        if not 2 <= input.dim() <= 5:
            raise ValueError(f"input: must have 2 to 5 axes (N, C, *), got {input.dim()}. Add the batch axis.")
        check_channels(input, self.num_features)

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's name
        """Normalize with the batch in training, with the running statistics in evaluation."""
        self._check_input_dim(input)
        if not self.training and self.running_mean is not None:
            mean, var = self._running_stats()
            return self._kernel(input, (at_least_float32(mean), at_least_float32(var)), training=False)
        if not input.numel():  # no statistics
            return scale_and_shift(input, self.weight, self.bias)
        if self.training and self.running_mean is not None and self._remembers():
            return self._normalize_and_remember(input)
        return self._kernel(input)

    def _remembers(self) -> bool:
        # At momentum 0 the kernel would take 0 times an overflowing variance, which is nan.
        return self.track_running_stats and (self.momentum != 0 or bool(self.extra_momenta))

    def _normalize_and_remember(self, x: Tensor) -> Tensor:
        running_mean, running_var = self._running_stats()
        if self.extra_momenta or self.momentum is None or running_mean.dtype in HALF_PRECISION:
            output, mean, var = self.normalized(x)
            self.remember(mean, var)
            return output
        assert self.num_batches_tracked is not None
        self.num_batches_tracked.add_(1)
        output = self._kernel(x, (running_mean, running_var), momentum=self.momentum)
        keep_finite(running_mean, running_var)
        return output

    def normalized(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the output normalized by the statistics of ``x``, and their mean and unbiased variance, each (C,).

        The two are in float32 where the layer has half precision.
        """
        # torch's kernel hands out what it computed if nothing old is to be kept.
        mean, var = (torch.zeros_like(at_least_float32(running)) for running in self._running_stats())
        output = self._kernel(x, (mean, var), momentum=1.0)
        keep_finite(mean, var)
        return output, mean, var

    def forward_batches(self, x: Tensor, sizes: Sequence[int]) -> Tensor:
        """Normalize each of several training batches by its own statistics, and remember the averages of these."""
        output, means, variances = self.normalized_apart(x, sizes)
        self.remember(means.mean(0), variances.mean(0))
        return output

    def normalized_apart(self, x: Tensor, sizes: Sequence[int]) -> tuple[Tensor, Tensor, Tensor]:
        """Return what ``normalized`` does of each of several batches that lie one after the other in ``x``.

        Args:
            x: (N, C, *).
            sizes: Rows of each batch, N in all.

        Returns:
            The outputs as they lie in ``x``, and means and unbiased variances, each (batches, C).
        """
        self._check_input_dim(x)
        if len(set(sizes)) > 1:
            outputs, means, variances = zip(*map(self.normalized, x.split(list(sizes))), strict=True)
            return torch.cat(outputs), torch.stack(means), torch.stack(variances)
        num = len(sizes)
        # Batches beside each other as channels: (B, batches * C, *).
        folded = at_least_float32(x).unflatten(0, (num, sizes[0])).transpose(0, 1).flatten(1, 2)
        mean, var = folded.new_zeros(2, folded.shape[1])
        weight, bias = _repeated(self.weight, num), _repeated(self.bias, num)
        y = F.batch_norm(folded, mean, var, weight, bias, True, 1.0, self.eps)
        keep_finite(mean, var)
        output = y.unflatten(1, (num, -1)).transpose(0, 1).flatten(0, 1)
        return output.to(x.dtype), mean.view(num, -1), var.view(num, -1)

    def _kernel(
        self, x: Tensor, stats: Stats = (None, None), *, training: bool = True, momentum: float = 0.0
    ) -> Tensor:
        weight, bias = at_least_float32(self.weight), at_least_float32(self.bias)
        y = F.batch_norm(at_least_float32(x), *stats, weight, bias, training, momentum, self.eps)
        return y.to(x.dtype)

    def _running_stats(self) -> tuple[Tensor, Tensor]:
        mean, var = self.running_mean, self.running_var
        assert mean is not None
        assert var is not None
        return mean, var

    def remember(self, mean: Tensor, var: Tensor) -> None:
        """Update all running statistics with a batch's mean and unbiased variance."""
        assert self.num_batches_tracked is not None
        self.num_batches_tracked.add_(1)
        running_mean, running_var = self._running_stats()
        share = self.num_batches_tracked.to(mean.dtype).reciprocal() if self.momentum is None else self.momentum
        _blend(running_mean, mean, share)
        _blend(running_var, var, share)
        for row, momentum in enumerate(self.extra_momenta):
            _blend(self.get_buffer("extra_running_mean")[row], mean, momentum)
            _blend(self.get_buffer("extra_running_var")[row], var, momentum)


def _repeated(tensor: Tensor | None, times: int) -> Tensor | None:
    return None if tensor is None else at_least_float32(tensor).repeat(times)


def _blend(running: Tensor, new: Tensor, share: Tensor | float) -> None:
    running.mul_(1 - share).add_(share * new)
    keep_finite(running)
