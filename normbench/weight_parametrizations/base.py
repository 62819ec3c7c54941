"""WeightParametrizationSpec: build() -> what turns the learned tensor into the weight in use."""

from abc import abstractmethod

from torch import nn

from normbench.parts import Spec


class WeightParametrizationSpec(Spec):
    """What YAML says about a weight parametrization, put on the weight of each layer that something follows."""

    @abstractmethod
    def apply(self, layer: nn.Module) -> None:
        """Replace ``layer.weight`` by its parametrization (``torch.nn.utils.parametrize``), after initialization."""
