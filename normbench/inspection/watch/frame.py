"""Frame: weights, gradients and activations of one recorded step, and copies of a model's weights and gradients."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor, nn

from normbench.models.base import learned_parameters


@dataclass(frozen=True)
class Frame:
    """Holds what was recorded at one step, before the step was made.

    Attributes:
        step: Updates made so far.
        metrics: Columns of metrics.csv: losses and accuracies.
        weights: Every parameter by name, before the step.
        grads: Gradient of the data loss alone, of the batch about to be learned from.
        activations: Each layer's output, after norm and activation.
        activation_grads: The loss's gradient there.
        updates: What the step then changed; empty at the end, where no step follows.
        curve: One-dimensional regression: (x, prediction) on the grid, each (M,).
        probes: What single layers have to say, by layer and name: mixing weights, gaps of running statistics ...
    """

    step: int
    metrics: Mapping[str, float]
    weights: Mapping[str, Tensor]
    grads: Mapping[str, Tensor]
    activations: Mapping[str, Tensor]
    activation_grads: Mapping[str, Tensor]
    updates: Mapping[str, Tensor] = field(default_factory=dict)
    curve: tuple[Tensor, Tensor] | None = None
    probes: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def tensors(self) -> dict[str, Mapping[str, Tensor]]:
        """Return the tensors by kind, then by layer or parameter."""
        return {
            "weight": self.weights,
            "grad": self.grads,
            "activation": self.activations,
            "activation_grad": self.activation_grads,
            "update": self.updates,
        }


def copies(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return detached copies that the coming step will not change."""
    return {name: tensor.detach().clone() for name, tensor in tensors.items()}


def weights_of(model: nn.Module) -> dict[str, Tensor]:
    """Return copies of all parameters by name."""
    return copies(learned_parameters(model))


def grads_of(model: nn.Module) -> dict[str, Tensor]:
    """Return copies of all gradients by their parameter's name."""
    return copies({name: p.grad for name, p in learned_parameters(model).items() if p.grad is not None})


def updates_of(model: nn.Module, before: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return what a step has changed: all parameters by name, less what they were before."""
    return {name: after.detach() - before[name] for name, after in learned_parameters(model).items()}
