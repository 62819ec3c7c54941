"""WeightParametrizationSpec: the base class, whose ``build`` replaces a layer's weight by a function of it."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar

from torch import nn

from normbench.parts import About, Given, Spec


class WeightParametrizationSpec(Spec):
    """The settings of a weight parametrization in YAML; it is put on the weight of each hidden layer."""

    about: ClassVar[About]
    """Its formula gives a filter's weights from what is learned: v, and what else the parametrization names."""

    def formula(self) -> str:
        """Return the formula that holds with these settings; ``n`` is the number of weights in a filter."""
        return self.about.formula

    def formula_values(self, layer: nn.Module) -> Mapping[str, Given]:
        """Return what the names in the formula stand for that are neither learned, nor settings, nor of a filter."""
        return {}

    @abstractmethod
    def build(self, layer: nn.Module) -> None:
        """Replace ``layer.weight`` by its parametrization (``torch.nn.utils.parametrize``), after initialization."""
