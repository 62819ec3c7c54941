"""The objects that a run trains with, its progress and its outcome."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

from torch import Tensor, nn
from torch.optim import Optimizer

from normbench.datasets._batches import Batches
from normbench.inspection.losses import LossFunction
from normbench.inspection.norm_readings import Probes
from normbench.inspection.watch.frame import Frame
from normbench.inspection.watch.network_layers import NetworkLayer, network_layers
from normbench.storage.run_status import RunStatus


class Recorder(Protocol):
    """Gets the frame of each recorded step, and writes or keeps it."""

    def record(self, frame: Frame) -> None:
        """Record one frame, without changing the model."""


class SliceRecorder(Protocol):
    """Gets weights and gradients at steps between two recorded rows."""

    def takes(self, step: int) -> bool:
        """Return whether it wants those of a step that is not recorded."""

    def record_slice(self, frame: Frame) -> None:
        """Record the frame of such a step, which has weights, gradients and updates alone."""


class Reader(Protocol):
    """Computes losses of a model in evaluation mode."""

    def __call__(self, model: nn.Module) -> dict[str, float]:
        """Return columns of metrics.csv."""


class FinalReader(Protocol):
    """Computes what is read once, at the end."""

    def __call__(self, model: nn.Module) -> tuple[dict[str, float], Probes]:
        """Return further columns of metrics.csv, and numbers by layer."""


@dataclass
class Penalty:
    """The L1 penalty, which is added to the gradient.

    Attributes:
        strength: The factor l1 of l1 * sign(w).
        parameters: The penalized weights.
    """

    strength: float = 0.0
    parameters: list[nn.Parameter] = field(default_factory=list)


@dataclass
class TrainingProgress:
    """The progress of a run; a checkpoint holds it beside the states of the objects.

    Attributes:
        step: Number of updates made.
        losses: Losses of the batches since the last recorded row.
        cpu_s: CPU seconds of the steps that were not recorded.
        num_timed: Number of those steps.
    """

    step: int = 0
    losses: list[float] = field(default_factory=list)
    cpu_s: float = 0.0
    num_timed: int = 0

    def add(self, loss: float) -> None:
        """Note an update and the loss of its batch."""
        self.losses.append(loss)
        self.step += 1

    def outcome(self, status: RunStatus) -> "Outcome":
        """Return how training ended here."""
        return Outcome(status, self.step, self.cpu_s, self.num_timed)


@dataclass(frozen=True)
class Outcome:
    """The end of a training.

    Attributes:
        status: Finished or diverged.
        step: Number of updates made.
        cpu_s: CPU seconds of the steps that were not recorded.
        num_timed: Number of those steps.
    """

    status: RunStatus
    step: int
    cpu_s: float
    num_timed: int

    @property
    def cpu_s_per_step(self) -> float | None:
        """CPU seconds of one step; None if every step was recorded."""
        return self.cpu_s / self.num_timed if self.num_timed else None


@dataclass
class Training:
    """The objects that one run trains with.

    Attributes:
        model: The network, in training mode.
        batches: Returns the samples of each step.
        optimizer: The optimizer of the model's parameters.
        loss: The loss of outputs and targets.
        penalty: The L1 penalty; weight decay is part of the optimizer.
        read: Computes losses over whole splits at recorded steps.
        curve: Computes the fitted curve on a grid; None without one.
        final_read: Computes further losses after training, and gaps to precise statistics; None reads neither.
        measures: Names of the measures taken at recorded steps: files in ``inspection/measures``.
        lr_of_step: Returns the learning rate of a step, 0 for the first; None where the optimizer's stays.
    """

    model: nn.Module
    batches: Batches
    optimizer: Optimizer
    loss: LossFunction
    penalty: Penalty
    read: Reader
    curve: Callable[[nn.Module], tuple[Tensor, Tensor]] | None = None
    final_read: FinalReader | None = None
    measures: tuple[str, ...] = ()
    lr_of_step: Callable[[int], float] | None = None

    @cached_property
    def layers(self) -> list[NetworkLayer]:
        """The layers of the model from input to output, as the run reports them."""
        return network_layers(self.model, self.batches.split.x)

    @cached_property
    def parameters(self) -> list[nn.Parameter]:
        """All parameters of the model."""
        return list(self.model.parameters())
