"""WeightParametrizationSpec: build(layer) puts a function of the learned tensor in place of its weight."""

from abc import abstractmethod
from typing import ClassVar

from torch import nn

from normbench.parts import About, Spec


class WeightParametrizationSpec(Spec):
    """What YAML says about a weight parametrization, put on the weight of each layer that something follows."""

    about: ClassVar[About]
    """Its formula gives a filter's weights from what is learned: v, and what else the parametrization names."""

    @abstractmethod
    def build(self, layer: nn.Module) -> None:
        """Replace ``layer.weight`` by its parametrization (``torch.nn.utils.parametrize``), after initialization."""
