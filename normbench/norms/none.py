"""No normalization: the baseline."""

from typing import ClassVar, Literal

from torch import nn

from normbench.norms.base import FeatureShape, NormSpec, Properties
from normbench.parts import About


class NoneSpec(NormSpec):
    """No normalization: what comes in goes out."""

    about: ClassVar[About] = About(
        formula="x",
        good_for="A baseline, and shallow networks with a good initialization.",
        bad_for="Deep networks with default initialization: the signal vanishes with depth.",
    )
    name: Literal["none"] = "none"

    def build(self, feature_shape: FeatureShape) -> nn.Module:
        """Make an identity."""
        return nn.Identity()

    def properties(self, feature_shape: FeatureShape, *, batch_size: int, training: bool) -> Properties:
        """Return the properties: nothing is invariant, nothing is averaged."""
        return Properties()
