"""Switchable norm: normalizes by a learned mixture of instance, layer and batch statistics."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field
from torch import Tensor, nn

from normbench.errors import SettingError
from normbench.norms._switchable_norm import KINDS, Average, Compat, SwitchableNorm
from normbench.norms._switchable_statistics import Kind
from normbench.norms.base import FeatureShape, NormSpec, Properties, axes, num_positions, position_axes
from normbench.parts import About, Given


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
