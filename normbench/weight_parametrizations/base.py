"""WeightParametrizationSpec: build(layer) puts a function of the learned tensor in place of its weight."""

from abc import abstractmethod

from torch import nn

from normbench.parts import Spec


class WeightParametrizationSpec(Spec):
    """What YAML says about a weight parametrization, put on the weight of each layer that something follows."""

    @abstractmethod
    def build(self, layer: nn.Module) -> None:
        """Replace ``layer.weight`` by its parametrization (``torch.nn.utils.parametrize``), after initialization."""
