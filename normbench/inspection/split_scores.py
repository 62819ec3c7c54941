"""Adds up what is read of a split, batch by batch: the quantities of its task, and those of the user's own."""

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - torch's idiom

from normbench.datasets.base import IGNORED, OF_NUMBERS, Task
from normbench.inspection.class_scores import BALANCED, ClassScores
from normbench.inspection.mask_scores import MaskScores
from normbench.inspection.style_scores import SCORES as STYLE_SCORES
from normbench.inspection.style_scores import StyleScores
from normbench.random_streams import seeded_globally
from normbench.study.own_functions import NOTHING_OWN, OwnFunctions, OwnLoss, OwnMetric

QUANTITIES: dict[Task, tuple[str, ...]] = {
    "regression": ("loss",),
    "classification": ("loss", "accuracy"),
    "segmentation": ("loss", "dice", "iou", "accuracy"),
    "style_transfer": ("loss", *STYLE_SCORES),
    "signal": (),
}
"""What is read of a split, by task, the last words of the columns of metrics.csv, in their order."""


class Scores(Protocol):
    """Gets outputs and targets in batches, and returns numbers of all of them together."""

    def add(self, output: Tensor, targets: Tensor) -> None:
        """Add a batch."""

    def result(self) -> dict[str, float]:
        """Return the numbers by name."""


def quantities(task: Task, own_metric: str | None = None, *, is_finite: bool = False) -> tuple[str, ...]:
    """Return the names of what is read of a split: of the task, then of the user's own metric.

    Classes of finite data are as uneven as they come, so there balanced accuracy is read too.
    """
    balanced = [BALANCED] if is_finite and task == "classification" else []
    return (*QUANTITIES[task], *balanced, *([own_metric] if own_metric else []))


def new_scores(task: Task, own: OwnFunctions = NOTHING_OWN, *, is_finite: bool = False) -> Scores:
    """Return empty scores of a task; with a loss of the user's own, ``loss`` is that one."""
    parts: list[Scores] = [MaskScores() if task == "segmentation" else WholeScores(task)]
    parts += [StyleScores()] if task == "style_transfer" else []
    parts += [ClassScores()] if is_finite and task == "classification" else []
    parts += [OwnLossScore(own.loss)] if own.loss else []
    parts += [OwnMetricScore(own.metric)] if own.metric else []
    return JoinedScores(parts)


def score(output: Tensor, targets: Tensor, task: Task, own: OwnFunctions = NOTHING_OWN) -> dict[str, float]:
    """Return the quantities of a task of given outputs: a loss, and shares from 0 to 1."""
    scores = new_scores(task, own)
    scores.add(output, targets)
    return scores.result()


def accuracy(output: Tensor, targets: Tensor) -> float:
    """Return the share of samples, or of pixels that count, whose class has the highest output."""
    is_right = output.argmax(1) == targets
    return (is_right if targets.dim() == 1 else is_right[targets != IGNORED]).double().mean().item()


class KeptBatches:
    """Keeps outputs and targets, to read them all at once."""

    def __init__(self) -> None:
        self.outputs: list[Tensor] = []
        self.targets: list[Tensor] = []

    def add(self, output: Tensor, targets: Tensor) -> None:
        """Keep a batch."""
        self.outputs.append(output)
        self.targets.append(targets)

    def joined(self) -> tuple[Tensor, Tensor]:
        """Return all outputs and all targets."""
        return torch.cat(self.outputs), torch.cat(self.targets)


class WholeScores(KeptBatches):
    """The loss, and in classification the accuracy, of all outputs at once."""

    def __init__(self, task: Task) -> None:
        super().__init__()
        self.task = task

    def result(self) -> dict[str, float]:
        """Return the quantities of the task."""
        output, targets = self.joined()
        if self.task in OF_NUMBERS:
            return {"loss": F.mse_loss(output, targets).item()}
        return {"loss": F.cross_entropy(output, targets).item(), "accuracy": accuracy(output, targets)}


class JoinedScores:
    """Several scores of the same batches; of the same name the last counts."""

    def __init__(self, parts: Sequence[Scores]) -> None:
        self.parts = parts

    def add(self, output: Tensor, targets: Tensor) -> None:
        """Add a batch to each part."""
        for part in self.parts:
            part.add(output, targets)

    def result(self) -> dict[str, float]:
        """Return the numbers of all parts."""
        return {name: value for part in self.parts for name, value in part.result().items()}


class OwnLossScore:
    """The user's own loss, mean over batches, each weighted by its samples."""

    def __init__(self, loss: OwnLoss) -> None:
        self.loss, self.total, self.num_samples = loss, 0.0, 0

    def add(self, output: Tensor, targets: Tensor) -> None:
        """Add a batch."""
        with seeded_globally(0):  # what is read must not move what training draws
            self.total += self.loss(output, targets).item() * len(output)
        self.num_samples += len(output)

    def result(self) -> dict[str, float]:
        """Return the mean."""
        return {"loss": self.total / self.num_samples}


class OwnMetricScore(KeptBatches):
    """The user's own metric of all samples at once."""

    def __init__(self, metric: OwnMetric) -> None:
        super().__init__()
        self.metric = metric

    def result(self) -> dict[str, float]:
        """Return the metric by its name."""
        with torch.no_grad(), seeded_globally(0):
            return {self.metric.name: self.metric(*self.joined())}
