"""The objects that a run trains with, its progress and its outcome."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

from torch import Tensor, nn
from torch.optim import Optimizer

from normbench.datasets._batches import Batches
from normbench.inspection.losses import LossFunction
from normbench.inspection.watch.frame import Frame
from normbench.storage.run_status import RunStatus


class Recorder(Protocol):
    """Takes the frame of each recorded step, and writes it somewhere."""

    def record(self, frame: Frame) -> None:
        """Take one frame. Nothing about the model may change."""


class Reader(Protocol):
    """Reads losses off a model in evaluation mode."""

    def __call__(self, model: nn.Module) -> dict[str, float]:
        """Return columns of metrics.csv."""


@dataclass
class Penalty:
    """L1: what is added to the gradient besides the data loss.

    Attributes:
        strength: l1, added as l1 * sign(w).
        parameters: Which weights pay it.
    """

    strength: float = 0.0
    parameters: list[nn.Parameter] = field(default_factory=list)


@dataclass
class TrainingProgress:
    """Updates made and what was summed up since; a checkpoint is this and the objects' states.

    Attributes:
        step: Updates made.
        losses: Of the batches since the last recorded row.
        cpu_s: CPU seconds of the steps that were only made, not watched.
        num_timed: Number of those steps.
    """

    step: int = 0
    losses: list[float] = field(default_factory=list)
    cpu_s: float = 0.0
    num_timed: int = 0


@dataclass(frozen=True)
class Outcome:
    """How training ended.

    Attributes:
        status: Finished or diverged.
        step: Updates made.
        cpu_s: CPU seconds of the steps that were only made, not watched.
        num_timed: Number of those steps.
    """

    status: RunStatus
    step: int
    cpu_s: float
    num_timed: int

    @property
    def cpu_s_per_step(self) -> float | None:
        """CPU seconds of one step; None if every step was watched."""
        return self.cpu_s / self.num_timed if self.num_timed else None


@dataclass
class Training:
    """The objects one run is made of.

    Attributes:
        model: In training mode.
        batches: Gives each step its samples.
        optimizer: Over the model's parameters.
        loss: Of outputs and targets.
        penalty: L1, beside the optimizer's own weight decay.
        read: Losses over whole splits, read at recorded steps.
        curve: The fitted curve on a grid, where there is one.
        final_read: More losses, read once training is over.
        measures: Names of the measures taken at recorded steps: files in ``inspection/measures``.
    """

    model: nn.Module
    batches: Batches
    optimizer: Optimizer
    loss: LossFunction
    penalty: Penalty
    read: Reader
    curve: Callable[[nn.Module], tuple[Tensor, Tensor]] | None = None
    final_read: Reader | None = None
    measures: tuple[str, ...] = ()

    @cached_property
    def parameters(self) -> list[nn.Parameter]:
        """All parameters of the model."""
        return list(self.model.parameters())
