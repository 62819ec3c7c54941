"""Batch renorm: batch norm whose training output is corrected towards that of the running statistics."""

from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field, field_validator
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's idiom

from normbench.norms._batch_norm import BatchNorm
from normbench.norms._renorm import (
    DEFAULT_LIMITS,
    Limits,
    Pair,
    Steps,
    corrected,
    corrections,
    finite_std,
    limited,
    remember,
    running_moments,
)
from normbench.norms._stacked_batch_renorm import StackedBatchRenorm
from normbench.norms.base import (
    FeatureShape,
    NormSpec,
    Properties,
    Ramp,
    axes,
    num_positions,
    position_axes,
    refuse_lone_batch_values,
)
from normbench.parts import About, Given
from normbench.precision import at_least_float32

MAX_STEP = 1_000_000_000
Step = Annotated[int, Field(strict=True, ge=0, le=MAX_STEP)]
StepsSetting = Annotated[tuple[Step, Step], Field(strict=False, title="two training steps, the first no larger")]


class BatchRenorm(BatchNorm):
    """Normalize by the batch, then correct mean and std towards those that evaluation will use.

    x_hat = (x - mean) / std of the batch, as in batch norm; the output is (x_hat r + d) weight + bias with
    r = std / running_std, kept within 1 / r_max .. r_max, and d = (mean - running_mean) / running_std, kept within
    -d_max .. d_max. Within these limits x_hat r + d is what evaluation computes, (x - running_mean) / running_std, so
    that a sample's output hardly depends on the others of its batch. r and d count as constants in the gradient, which
    therefore still sees the batch's own mean and std. All std are sqrt(var + eps), variances divided by n.

    Running statistics are worth little at first: r_max stays 1 and d_max 0, which is batch norm, until the first of
    their steps, and grow to their ends in a straight line. Steps are batches that the running statistics have taken in,
    ``num_batches_tracked``; a layer that starts with those of a trained network has them behind it.

    The std is what is averaged, as in the paper; ``running_var`` holds its square less eps, so that evaluation is batch
    norm's. While statistics are re-estimated (``corrects`` is False) each batch is normalized by its own alone.

    Shape:
        input: (N, C, *) with C = num_features, up to three position axes.
        output: same shape, dtype and device as the input.

    Args:
        num_features: Channels C of the input.
        eps: Added to the variance [input units squared].
        momentum: Share of the new batch in running mean and std, 0 to 1.
        affine: Learn a weight (starts at 1) and a bias (starts at 0) per channel.
        limits: Those of r and d.

    Raises:
        ValueError: A training batch has one value per channel, which has no variance, or the channels are not C.

    References:
        Ioffe, Batch Renormalization: Towards Reducing Minibatch Dependence in Batch-Normalized Models, 2017.
        https://arxiv.org/abs/1702.03275

    Example:
        >>> BatchRenorm(6)(torch.randn(4, 6, 5, 5)).shape
        torch.Size([4, 6, 5, 5])
    """

    stacked_form = StackedBatchRenorm
    reads_running_statistics = True
    corrects = True
    num_batches_tracked: Tensor

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        *,
        affine: bool = True,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine=affine)
        self.limits = limits

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's name
        """Normalize and correct with the batch in training, normalize with the running statistics in evaluation."""
        if not self.training or not input.numel():
            return super().forward(input)
        if not self.corrects:
            return self.forward_batches(input, [len(input)])
        self._check_input_dim(input)
        x = at_least_float32(input)
        moments, running = self.moments(x), self._running_moments()
        r, d = corrections(moments, running, self.limits, self.num_batches_tracked)
        weight, bias = corrected(self.weight, self.bias, r, d)
        y = F.batch_norm(x, None, None, weight, bias, True, 0.0, self.eps)
        self._remember(running, moments)
        return y.to(input.dtype)

    def moments(self, x: Tensor) -> Pair:
        """Return mean and std of each channel of a batch, (C,), as constants."""
        # torch's kernel returns 1 / std beside what it normalizes: two thirds of the cost of torch.var_mean.
        _, mean, factor = torch.native_batch_norm(x.detach(), None, None, None, None, True, 0.0, self.eps)
        return mean, limited(factor.reciprocal())

    def corrections(self, x: Tensor) -> Pair:
        """Return r and d, each (C,), that the next training step has for a batch."""
        return corrections(self.moments(x), self._running_moments(), self.limits, self.num_batches_tracked)

    def forward_batches(self, x: Tensor, sizes: Sequence[int]) -> Tensor:
        """Normalize each of several batches by its own statistics alone, and remember the averages of mean and std."""
        output, means, variances = self.normalized_apart(x, sizes)
        counts = variances.new_tensor(sizes).unsqueeze(1) * num_positions(tuple(x.shape[1:]))
        stds = finite_std(variances * ((counts - 1) / counts), self.eps)  # the kernel divides by n - 1
        self._remember(self._running_moments(), (means.mean(0), stds.mean(0)))
        return output

    def _running_moments(self) -> Pair:
        return running_moments(*self._running_stats(), self.eps)

    def _remember(self, running: Pair, moments: Pair) -> None:
        self.num_batches_tracked.add_(1)
        assert self.momentum is not None
        remember(self._running_stats(), running, moments, self.eps, self.momentum)


class BatchRenormSpec(NormSpec):
    """Batch norm, in training corrected towards the running statistics (Ioffe, 2017).

    r = batch std / running std and d = (batch mean - running mean) / running std, each within its limit and constant in
    the gradient. The paper opens r_max from step 5,000 to 40,000 and d_max from 5,000 to 25,000, with a momentum of
    0.01; the defaults here are the 200th part of its steps, for runs of hundreds of steps.
    """

    about: ClassVar[About] = About(
        formula="((x - mean) / sqrt(var + eps) * r + d) * weight + bias",
        paper="Ioffe, Batch Renormalization, 2017",
        url="https://arxiv.org/abs/1702.03275",
        good_for="Small batches, and batches whose samples resemble each other, where batch norm fails in evaluation.",
        bad_for="Runs that end before r_max and d_max have opened: those are batch norm.",
        disagreements=(
            (
                "The paper averages the std, with eps inside the root; so does this layer. Some implementations "
                "average the variance, which is larger where batches differ."
            ),
            (
                "Keras keeps two averages, one for r and d with renorm_momentum, one for evaluation with momentum; "
                "the paper and this layer have one. Its clipping is off unless it is given, and has no schedule."
            ),
            (
                "momentum is the share of the new batch here (the paper's alpha, 0.01), of the old value in Keras "
                "(0.99)."
            ),
            "Batch norm's running variance is divided by n - 1, this one's by n, as the r of the paper needs it.",
        ),
    )
    name: Literal["batch_renorm"] = "batch_renorm"
    eps: float = Field(1e-5, gt=0)
    """Added to the variance, in input units squared; > 0."""
    momentum: float = Field(0.1, ge=0, le=1)
    """Share of the new batch in running mean and std, 0 to 1 (elsewhere of the old one)."""
    affine: Literal["channel", "none"] = "channel"
    """Learn a weight and a bias per channel, or none."""
    r_max: float = Field(3.0, ge=1)
    """Largest r, whose smallest is 1 / r_max; >= 1."""
    d_max: float = Field(5.0, ge=0)
    """Largest d, whose smallest is -d_max, in running std; >= 0."""
    r_max_steps: StepsSetting = Field((25, 200), examples=[(50, 400)])
    """Training steps between which r_max grows from 1, as in batch norm, to its value."""
    d_max_steps: StepsSetting = Field((25, 125), examples=[(50, 250)])
    """Training steps between which d_max grows from 0, as in batch norm, to its value."""

    @field_validator("r_max_steps", "d_max_steps")
    @classmethod
    def _in_order(cls, steps: Steps) -> Steps:
        if steps[0] > steps[1]:
            raise ValueError("must be a first step and a last one that is no smaller")
        return steps

    def limits(self) -> Limits:
        """Return the limits of r and d."""
        return Limits(self.r_max, self.d_max, self.r_max_steps, self.d_max_steps)

    def build(self, feature_shape: FeatureShape) -> nn.Module:
        """Make a layer for C channels and any positions."""
        affine = self.affine == "channel"
        return BatchRenorm(feature_shape[0], self.eps, self.momentum, affine=affine, limits=self.limits())

    def ramps(self) -> tuple[Ramp, ...]:
        """Return where r_max and d_max open, each where it opens at all."""
        steps = {"r_max": self.r_max_steps} if self.r_max > 1 else {}
        steps |= {"d_max": self.d_max_steps} if self.d_max > 0 else {}
        return tuple(Ramp(name, first, last, before="batch_norm") for name, (first, last) in steps.items())

    def properties(self, feature_shape: FeatureShape, *, batch_size: int, training: bool) -> Properties:
        """Return the properties of batch norm; of an input's scale and shift, until the limits open."""
        if not training:
            return Properties(same_in_eval=False)
        open_at_once = {ramp.setting for ramp in self.ramps() if ramp.last == 0}
        return Properties(
            input_scale=not open_at_once,
            feature_shift="d_max" not in open_at_once,
            sample_independent=False,
            same_in_eval=False,
            averaged_axes=axes("N", position_axes(feature_shape)),
            num_statistics=feature_shape[0],
        )

    def formula_values(self, layer: nn.Module, x: Tensor, index: tuple[int, ...]) -> Mapping[str, Tensor | Given]:
        """Return r and d of the channel."""
        assert isinstance(layer, BatchRenorm)
        found = zip("rd", layer.corrections(x), strict=True)
        how = {"r": "batch std / running std, within the limit", "d": "of the means, in running std, within the limit"}
        at_step = f"at training step {int(layer.num_batches_tracked)}"
        return {name: Given(values[index[1]].item(), f"{how[name]} {at_step}") for name, values in found}

    def check_batch(self, feature_shape: FeatureShape, batch_size: int) -> None:
        """Refuse a batch with one value per channel, which has no variance."""
        refuse_lone_batch_values(self.name, feature_shape, batch_size)
