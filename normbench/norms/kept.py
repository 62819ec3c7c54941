"""The norms that the user's own network has, left as they are: the control arm of a swap."""

from typing import ClassVar, Literal

from torch import nn

from normbench.errors import SettingError
from normbench.norms.base import FeatureShape, NormSpec, Properties
from normbench.parts import About


class KeptSpec(NormSpec):
    """The network's own norms, untouched: the control arm with ``model: own``, and its default."""

    takes_own: ClassVar[bool] = True
    about: ClassVar[About] = About(
        formula="what the network computes",
        good_for="The control beside arms in which the network's norms are replaced.",
        bad_for="normbench's own models, which have no norm unless one is named.",
    )
    name: Literal["kept"] = "kept"

    def build(self, feature_shape: FeatureShape) -> nn.Module:
        """Refuse: there is nothing to make."""
        rule = "must name a norm here: only a network of your own has norms to keep"
        raise SettingError("name", rule, self.name, "Write norm: none, or model: {name: own, build: ...}.")

    def properties(self, feature_shape: FeatureShape, *, batch_size: int, training: bool) -> Properties:
        """Return nothing that is declared: the norms are the network's."""
        return Properties()
