"""None: the weight is used as it is learned."""

from typing import ClassVar, Literal

from torch import nn

from normbench.parts import About
from normbench.weight_parametrizations.base import WeightParametrizationSpec


class NoneSpec(WeightParametrizationSpec):
    """The weight as it is learned."""

    about: ClassVar[About] = About(
        formula="v",
        paper="no paper: the baseline",
        url="https://docs.pytorch.org/docs/stable/generated/torch.nn.Linear.html",
        good_for="A baseline, and networks whose norms already ignore the scale of the weights.",
        bad_for="Group norm at small batches, where weight standardization is said to help.",
    )
    name: Literal["none"] = "none"

    def build(self, layer: nn.Module) -> None:
        """Leave the layer unchanged."""
