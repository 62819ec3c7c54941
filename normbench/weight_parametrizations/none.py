"""The weight as it is learned."""

from typing import Literal

from torch import nn

from normbench.weight_parametrizations.base import WeightParametrizationSpec


class NoneSpec(WeightParametrizationSpec):
    """The weight as it is learned."""

    name: Literal["none"] = "none"

    def build(self, layer: nn.Module) -> None:
        """Leave the layer alone."""
