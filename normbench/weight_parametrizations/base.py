"""WeightParametrizationSpec: the base class, whose ``build`` replaces a layer's weight by a function of it."""

from abc import abstractmethod
from typing import ClassVar

from torch import nn

from normbench.parts import About, Spec


class WeightParametrizationSpec(Spec):
    """The settings of a weight parametrization in YAML; it is put on the weight of each hidden layer."""

    about: ClassVar[About]
    """Its formula gives a filter's weights from what is learned: v, and what else the parametrization names."""

    def formula(self) -> str:
        """Return the formula that holds with these settings; ``n`` is the number of weights in a filter."""
        return self.about.formula

    @abstractmethod
    def build(self, layer: nn.Module) -> None:
        """Replace ``layer.weight`` by its parametrization (``torch.nn.utils.parametrize``), after initialization."""
