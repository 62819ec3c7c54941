"""Each channel over the batch and all positions; running statistics in evaluation."""

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.autograd.grad_mode import _unsafe_preserve_version_counter
from torch.nn import functional as F  # noqa: N812 - torch's idiom
from torch.nn.modules.batchnorm import _BatchNorm

from normbench.errors import SettingError
from normbench.norms.base import FeatureShape, NormSpec, Properties, axes, num_positions, position_axes


class BatchNorm(_BatchNorm):
    """Give every channel zero mean and unit variance over the batch; remember both for evaluation.

    In training, mean and biased variance (divided by n) are taken over the batch and all positions of
    a channel. In evaluation the running statistics are used, which training has averaged with the
    share ``momentum`` for each NEW batch; the running variance is the unbiased one (divided by n - 1).
    This is torch's own layer for any number of position axes, with buffers that stay finite.

    Shape:
        input: (N, C, *) with C = num_features, up to three position axes.
        output: same shape, dtype and device as the input.

    Args:
        num_features: Channels C of the input.
        eps: Added to the variance [input units squared].
        momentum: Share of the new batch in the running statistics, 0 to 1; its memory is about 1 / momentum steps.
            Other sources (TensorFlow, some papers) call the share of the OLD value momentum.
        affine: Learn a weight (starts at 1) and a bias (starts at 0) per channel.

    Raises:
        ValueError: A training batch has one value per channel, which has no variance.

    References:
        Ioffe and Szegedy, Batch Normalization, 2015. https://arxiv.org/abs/1502.03167

    Example:
        >>> BatchNorm(6)(torch.randn(4, 6, 5, 5)).shape
        torch.Size([4, 6, 5, 5])
    """

    def _check_input_dim(self, input: Tensor) -> None:  # noqa: A002 - torch's name
        if not 2 <= input.dim() <= 5:
            raise ValueError(f"input: must have 2 to 5 axes (N, C, *), got {input.dim()}. Add the batch axis.")

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's name
        """Normalize with the batch in training, with the running statistics in evaluation."""
        if self.training and not self.momentum:  # nothing is remembered, and 0 times an overflowing variance is nan
            return F.batch_norm(input, None, None, self.weight, self.bias, True, 0.0, self.eps)
        output = super().forward(input)
        if self.training and self.running_var is not None and self.running_mean is not None:
            _keep_finite(self.running_mean, self.running_var)
        return output


def _keep_finite(*buffers: Tensor) -> None:
    """Hold running statistics at the largest number: a batch of variance inf would leave inf there for ever."""
    # Autograd has noted the buffers' version for the backward pass, which in training does not read them.
    with _unsafe_preserve_version_counter(buffers):
        for buffer in buffers:
            limit = torch.finfo(buffer.dtype).max
            buffer.copy_(buffer.clamp(min=-limit, max=limit))


class BatchNormSpec(NormSpec):
    """Each channel over the batch and all positions; running statistics in evaluation (Ioffe and Szegedy, 2015)."""

    name: Literal["batch_norm"] = "batch_norm"
    eps: float = Field(1e-5, gt=0)
    momentum: float = Field(0.1, ge=0, le=1)
    affine: Literal["channel", "none"] = "channel"

    def build(self, feature_shape: FeatureShape) -> nn.Module:
        """Make a layer for C channels, whatever the positions."""
        return BatchNorm(feature_shape[0], self.eps, self.momentum, affine=self.affine == "channel")

    def properties(self, feature_shape: FeatureShape, *, batch_size: int, training: bool) -> Properties:
        """In training the batch is mixed; in evaluation the layer is a fixed affine map."""
        if not training:
            return Properties(same_in_eval=False)
        return Properties(
            input_scale=True,
            feature_shift=True,
            sample_independent=False,
            same_in_eval=False,
            averaged_axes=axes("N", position_axes(feature_shape)),
            num_statistics=feature_shape[0],
        )

    def check_batch(self, feature_shape: FeatureShape, batch_size: int) -> None:
        """Refuse one value per channel: it has no variance."""
        if batch_size * num_positions(feature_shape) < 2:
            raise SettingError(
                "batch_size",
                f"must give batch_norm 2 values per channel or more (features of shape {feature_shape})",
                batch_size,
                "Use a larger batch, or norm: layer_norm, which does not look at the batch.",
            )
