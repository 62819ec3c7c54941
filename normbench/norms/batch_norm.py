"""Batch norm: normalizes each channel over the batch and all positions; uses running statistics in evaluation."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field
from torch import nn

from normbench.errors import SettingError
from normbench.norms._batch_norm import BatchNorm
from normbench.norms.base import (
    FeatureShape,
    NormSpec,
    Properties,
    axes,
    position_axes,
    refuse_lone_batch_values,
)
from normbench.parts import MAX_ENTRIES, About

Momentum = Annotated[float, Field(strict=True, ge=0, le=1)]


class BatchNormSpec(NormSpec):
    """Each channel over the batch and all positions; running statistics in evaluation (Ioffe and Szegedy, 2015)."""

    about: ClassVar[About] = About(
        formula="(x - mean) / sqrt(var + eps) * weight + bias",
        paper="Ioffe and Szegedy, Batch Normalization, 2015",
        url="https://arxiv.org/abs/1502.03167",
        good_for="Convolutional networks with batches of 16 or more from one distribution.",
        bad_for="Small batches, batches of one class or style, and sequences of varying length.",
        disagreements=(
            (
                "momentum is the share of the new batch in torch and here, of the old value in "
                "TensorFlow and in some papers."
            ),
            (
                "The batch is normalized with the variance divided by n, the running variance is the "
                "one divided by n - 1; some libraries use n for both."
            ),
            ("track_running_stats: false is not evaluation mode: it takes batch statistics in evaluation too."),
            (
                "Activation checkpointing runs forward twice a step; 1 - sqrt(1 - momentum) undoes "
                "that in torch's convention, sqrt(momentum) in the other."
            ),
        ),
        documents=(
            ('"In training the statistics are fixed": that is evaluation; in training they are the batch\'s.'),
            (
                "Shapes in text and code differ in the 2d and 3d examples; the running variance "
                "printed is right for both."
            ),
            (
                '"Momentum is the importance of the last batch" contradicts the formula beside it, '
                "where it is the share of the old value."
            ),
            (
                "A hand-written layer that divides by n - 1 differs by a factor sqrt((n - 1) / n); the printed sum "
                "of differences, 13.83, is sqrt(3) / 4 for each of 32 statistics: 13.86."
            ),
        ),
    )
    name: Literal["batch_norm"] = "batch_norm"
    eps: float = Field(1e-5, gt=0)
    """Added to the variance, in input units squared; > 0."""
    momentum: float | None = Field(0.1, ge=0, le=1)
    """Share of the new batch in running statistics, 0 to 1 (elsewhere of the old one); null averages all alike."""
    affine: Literal["channel", "none"] = "channel"
    """Learn a weight and a bias per channel, or none."""
    track_running_stats: bool = True
    """Keep running statistics for evaluation; false normalizes with the batch in evaluation too."""
    extra_momenta: Annotated[tuple[Momentum, ...], Field(strict=False, max_length=MAX_ENTRIES)] = ()
    """Further momenta, each 0 to 1, with running statistics of their own to compare; they change no output."""

    def build(self, feature_shape: FeatureShape) -> nn.Module:
        """Make a layer for C channels and any positions."""
        if self.extra_momenta and not self.track_running_stats:
            rule = "must be empty without the running statistics"
            raise SettingError("extra_momenta", rule, list(self.extra_momenta), "Write track_running_stats: true.")
        return BatchNorm(
            feature_shape[0],
            self.eps,
            self.momentum,
            affine=self.affine == "channel",
            track_running_stats=self.track_running_stats,
            extra_momenta=self.extra_momenta,
        )

    def properties(self, feature_shape: FeatureShape, *, batch_size: int, training: bool) -> Properties:
        """Return the properties: with batch statistics samples are mixed, else the layer is a fixed affine map."""
        if not training and self.track_running_stats:
            return Properties(same_in_eval=False)
        return Properties(
            input_scale=True,
            feature_shift=True,
            sample_independent=False,
            same_in_eval=not self.track_running_stats,
            averaged_axes=axes("N", position_axes(feature_shape)),
            num_statistics=feature_shape[0],
        )

    def check_batch(self, feature_shape: FeatureShape, batch_size: int) -> None:
        """Refuse a batch with one value per channel, which has no variance."""
        refuse_lone_batch_values(self.name, feature_shape, batch_size)
