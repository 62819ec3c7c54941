"""Ghost batch norm: batch norm on chunks of the batch, as on several devices that do not share statistics."""

from collections.abc import Sequence
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from normbench.errors import SettingError
from normbench.norms._batch_norm import BatchNorm
from normbench.norms.base import (
    FeatureShape,
    NormSpec,
    Properties,
    axes,
    num_positions,
    position_axes,
    refuse_lone_batch_values,
)
from normbench.parts import About


class GhostBatchNorm(BatchNorm):
    """Give every channel zero mean and unit variance over each chunk of ``ghost_size`` samples.

    What batch norm does when a batch is spread over devices that keep their statistics to themselves: each
    chunk is normalized by its own mean and biased variance. The chunks share weight, bias and one set of running
    statistics: their means and unbiased variances are averaged, each chunk with its share of the samples, and
    that average is taken in once per step with the share ``momentum``. So the memory is that of batch_norm,
    whatever the number of chunks. Evaluation is batch_norm's, and so is training on ``ghost_size`` samples or fewer.

    The last chunk holds what is left over; where that is one value per channel, it joins the chunk before.

    Shape:
        input: (N, C, *) with C = num_features, up to three position axes.
        output: same shape, dtype and device as the input.

    Args:
        num_features: Channels C of the input.
        ghost_size: Samples per chunk.
        eps: Added to the variance [input units squared].
        momentum: Share of the new step in the running statistics, 0 to 1; None averages all steps equally.
        affine: Learn a weight (starts at 1) and a bias (starts at 0) per channel.

    Raises:
        ValueError: A training batch or chunk has one value per channel, which has no variance.

    References:
        Hoffer, Hubara and Soudry, Train longer, generalize better, 2017. https://arxiv.org/abs/1705.08741
        (There each chunk moves the running statistics in turn, so that the memory is shorter.)

    Example:
        >>> GhostBatchNorm(6, ghost_size=2)(torch.randn(4, 6, 5, 5)).shape
        torch.Size([4, 6, 5, 5])
    """

    def __init__(
        self,
        num_features: int,
        ghost_size: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        *,
        affine: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine=affine)
        self.ghost_size = ghost_size

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's name
        """Normalize chunk by chunk in training, with the running statistics in evaluation."""
        if not self.training or len(input) <= self.ghost_size or not input.numel():
            return super().forward(input)
        self._check_input_dim(input)
        sizes = chunk_sizes(tuple(input.shape), self.ghost_size)
        outputs, means, variances = zip(*map(self.normalized, input.split(sizes)), strict=True)
        self.remember(_weighted_mean(means, sizes), _weighted_mean(variances, sizes))
        return torch.cat(outputs)

    def forward_batches(self, x: Tensor, sizes: Sequence[int]) -> Tensor:
        """Normalize each of several training batches chunk by chunk, and remember the averages of their statistics."""
        chunks = [chunk_sizes((size, *x.shape[1:]), self.ghost_size) for size in sizes]
        output, means, variances = self.normalized_apart(x, [chunk for batch in chunks for chunk in batch])
        shares = means.new_tensor([[chunk / sum(batch) / len(sizes)] for batch in chunks for chunk in batch])
        self.remember((shares * means).sum(0), (shares * variances).sum(0))
        return output


def chunk_sizes(shape: tuple[int, ...], ghost_size: int) -> list[int]:
    """Return the number of samples in each chunk of a batch of this shape."""
    full, rest = divmod(shape[0], ghost_size)
    sizes = [ghost_size] * full + [rest] * (rest > 0)
    if len(sizes) > 1 and sizes[-1] * num_positions(shape[1:]) == 1:
        last = sizes.pop()
        sizes[-1] += last
    return sizes


def _weighted_mean(statistics: tuple[Tensor, ...], sizes: list[int]) -> Tensor:
    terms = [size / sum(sizes) * statistic for statistic, size in zip(statistics, sizes, strict=True)]
    return torch.stack(terms).sum(0)


class GhostBatchNormSpec(NormSpec):
    """Batch norm on chunks of ``ghost_size`` samples, one set of running statistics (Hoffer et al., 2017)."""

    about: ClassVar[About] = About(
        formula="(x - mean) / sqrt(var + eps) * weight + bias",
        paper="Hoffer, Hubara and Soudry, Train Longer, Generalize Better, 2017",
        url="https://arxiv.org/abs/1705.08741",
        good_for=(
            "Large batches, whose norm should be as noisy as a small batch's; what batch norm is "
            "on several devices without synchronization."
        ),
        bad_for="Ghosts of few samples: all of batch norm's trouble with small batches.",
        disagreements=(
            (
                "Some implementations update the running statistics once per ghost, so that the "
                "memory shrinks with the number of ghosts; here once per step."
            ),
        ),
    )
    name: Literal["ghost_batch_norm"] = "ghost_batch_norm"
    ghost_size: int = Field(16, ge=1)
    """Samples per chunk that is normalized on its own; >= 1."""
    eps: float = Field(1e-5, gt=0)
    """Added to the variance, in input units squared; > 0."""
    momentum: float | None = Field(0.1, ge=0, le=1)
    """Share of the new batch in running statistics, 0 to 1 (elsewhere of the old one); null averages all alike."""
    affine: Literal["channel", "none"] = "channel"
    """Learn a weight and a bias per channel, or none."""

    def build(self, feature_shape: FeatureShape) -> nn.Module:
        """Make a layer for C channels; a chunk must hold two values of each."""
        if self.ghost_size * num_positions(feature_shape) < 2:
            rule = f"must give 2 values per channel or more in features of shape {feature_shape}"
            raise SettingError("ghost_size", rule, self.ghost_size, "Use 2 or more.")
        affine = self.affine == "channel"
        return GhostBatchNorm(feature_shape[0], self.ghost_size, self.eps, self.momentum, affine=affine)

    def properties(self, feature_shape: FeatureShape, *, batch_size: int, training: bool) -> Properties:
        """Return the properties: training mixes the samples of a chunk; evaluation is a fixed affine map."""
        if not training:
            return Properties(same_in_eval=False)
        sizes = chunk_sizes((batch_size, *feature_shape), self.ghost_size)
        alone = max(sizes) == 1
        samples = "" if alone else "N" if len(sizes) == 1 else "N/G"
        return Properties(
            input_scale=True,
            sample_shift=alone,
            feature_shift=True,
            sample_independent=alone,
            same_in_eval=False,
            averaged_axes=axes(samples, position_axes(feature_shape)),
            num_statistics=len(sizes) * feature_shape[0],
        )

    def fewest_samples(self, feature_shape: FeatureShape, batch_size: int) -> int:
        """Return the smallest chunk's size."""
        return min(chunk_sizes((batch_size, *feature_shape), self.ghost_size))

    def check_batch(self, feature_shape: FeatureShape, batch_size: int) -> None:
        """Refuse a batch with one value per channel, which has no variance."""
        refuse_lone_batch_values(self.name, feature_shape, batch_size)
