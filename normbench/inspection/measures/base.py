"""Defines a measure, measure(step) -> numbers by layer and name; finds all measures and undoes what they change."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from normbench.any_module.random_states import RandomStates
from normbench.any_module.restore import leaving_unchanged
from normbench.datasets._batches import Batches, Sampling
from normbench.datasets.base import Split
from normbench.inspection.losses import LossFunction
from normbench.inspection.norm_readings import Probes, Statistics, merged, statistics_by_layer
from normbench.inspection.reestimation import reestimate
from normbench.inspection.watch.frame import Frame
from normbench.inspection.watch.network_layers import NetworkLayer
from normbench.models.base import learned_parameters
from normbench.random_streams import stream
from normbench.storage.files.part_files import Parts, import_parts, require_function

NUM_SAMPLES = 128
"""Training samples that a measure reads besides the batch; more costs more than it tells."""


@dataclass(frozen=True)
class Reestimated:
    """Holds outputs and statistics of a pass in which each batch is normalized by its own statistics.

    Attributes:
        outputs: (N, *).
        statistics: For each layer with running statistics by name, the averages over the batches.
    """

    outputs: Tensor
    statistics: dict[str, Statistics]


@dataclass
class RecordedStep:
    """Holds one recorded step for measures: the step has been made, and they may make it again in other ways.

    Attributes:
        model: In training mode, after the step; at the end of training, where no step follows, as it is.
        layers: Its layers from input to output.
        optimizer: That made the step.
        batches: Where the batch came from; its generator is training's own and not to be used.
        batch: What was learned from.
        loss: Of outputs and targets.
        backward: Sets the gradients of the batch's data loss anew and returns it.
        states: torch's random states and the model's own, from before the step's forward pass; not of its copies.
        seen: Weights and gradients before the step, activations, updates; without updates no step was made.
    """

    model: nn.Module
    layers: Sequence[NetworkLayer]
    optimizer: Optimizer
    batches: Batches
    batch: Split
    loss: LossFunction
    backward: Callable[[], float]
    states: RandomStates
    seen: Frame

    @cached_property
    def sample(self) -> list[Split]:
        """Return training batches as training draws them, the same at every step: NUM_SAMPLES samples or one batch."""
        return self._drawn(self.batches.sampling)

    @cached_property
    def reestimated(self) -> "Reestimated":
        """Read the sample with each batch's own statistics; one pass serves all measures that ask for it."""
        return self._reestimated(self.sample)

    @cached_property
    def reestimated_shuffled(self) -> "Reestimated":
        """Read as many samples in shuffled batches, whatever the sampling."""
        is_shuffled = self.batches.sampling == "shuffled"
        return self.reestimated if is_shuffled else self._reestimated(self._drawn("shuffled"))

    def _drawn(self, sampling: Sampling) -> list[Split]:
        size = self.batches.batch_size
        drawn = Batches(self.batches.split, size, stream(0, "diagnostics"), sampling)
        return [drawn.next() for _ in range(max(1, min(NUM_SAMPLES, len(self.batches.split)) // size))]

    def _reestimated(self, batches: Sequence[Split]) -> "Reestimated":
        outputs: list[Tensor] = []
        with leaving_unchanged(self.model, parameters_change=False):
            reestimate(self.model, (batch.x for batch in batches), outputs.append)
            return Reestimated(torch.cat(outputs), statistics_by_layer(self.model))

    @property
    def weighted(self) -> list[NetworkLayer]:
        """Return the layers with weights, from input to output."""
        return [layer for layer in self.layers if layer.role == "weights" and layer.weights]

    @property
    def weight_names(self) -> dict[str, tuple[str, ...]]:
        """Return the names of each weighted layer's learned weight tensors, from input to output."""
        return {layer.name: layer.weights for layer in self.weighted}


Measure = Callable[[RecordedStep], Probes]
"""Returns numbers by layer and name; what it does to parameters, buffers, gradients, modes, randomness is undone."""


def find_measures() -> dict[str, Measure]:
    """Return the function ``measure`` of every file beside this one, by its name; unfinished ones are left out."""
    return _parts().found


def unfinished_measures() -> list[str]:
    """Return a line for each file beside this one that holds no whole measure."""
    return list(_parts().unfinished.values())


@cache
def _parts() -> Parts[Measure]:
    return import_parts(
        __name__.rpartition(".")[0], lambda module, _: cast(Measure, require_function(module, "measure"))
    )


def take_measures(names: Iterable[str], step: RecordedStep) -> Probes:
    """Return the named measures' numbers at a step, by layer and name; the model is put back after each.

    Raises:
        TypeError: A measure returned something else; with its file.
    """
    found: list[Probes] = []
    for name in names:
        with leaving_unchanged(step.model):
            found.append(_checked(name, find_measures()[name](step)))
    return merged(*found)


def _checked(measure: str, found: Any) -> Probes:
    """Return what a measure found, if it is numbers by layer and name."""
    rows = list(found.values()) if isinstance(found, Mapping) else [None]
    if all(isinstance(row, Mapping) and all(isinstance(x, int | float) for x in row.values()) for row in rows):
        probes: Probes = found
        return probes
    rule = "must return numbers by layer and name, such as {'fc1': {'share': 0.1}}"
    raise TypeError(f"normbench/inspection/measures/{measure}.py: measure {rule}, got {found!r:.80}")


@torch.no_grad()
def set_parameters(model: nn.Module, values: Mapping[str, Tensor]) -> None:
    """Set parameters to values by name."""
    for name, parameter in learned_parameters(model).items():
        parameter.copy_(values[name])


def joined(tensors: Mapping[str, Tensor], names: Iterable[str]) -> Tensor:
    """Return the named tensors' values as one float64 vector, of complex ones both parts."""
    found = [tensors[name] for name in names]
    return torch.cat([(torch.view_as_real(one) if one.is_complex() else one).flatten().double() for one in found])
