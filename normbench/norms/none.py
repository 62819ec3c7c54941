"""No normalization: the baseline."""

from typing import Literal

from torch import nn

from normbench.norms.base import FeatureShape, NormSpec, Properties


class NoneSpec(NormSpec):
    """No normalization: what comes in goes out."""

    name: Literal["none"] = "none"

    def build(self, feature_shape: FeatureShape) -> nn.Module:
        """Make an identity."""
        return nn.Identity()

    def properties(self, feature_shape: FeatureShape, *, batch_size: int, training: bool) -> Properties:
        """Nothing is invariant, nothing is averaged."""
        return Properties()
