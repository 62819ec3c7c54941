"""Balanced accuracy: the mean of each class's accuracy, which says more than accuracy where classes are uneven."""

import torch
from torch import Tensor

BALANCED = "balanced_accuracy"


class ClassScores:
    """Counts the samples of each class, and those whose class has the highest output."""

    def __init__(self) -> None:
        self.said: list[Tensor] = []
        self.targets: list[Tensor] = []

    def add(self, output: Tensor, targets: Tensor) -> None:
        """Keep what a batch was said to be."""
        self.said.append(output.argmax(1))
        self.targets.append(targets)

    def result(self) -> dict[str, float]:
        """Return the balanced accuracy."""
        return {BALANCED: balanced_accuracy(torch.cat(self.said), torch.cat(self.targets))}


def balanced_accuracy(said: Tensor, targets: Tensor) -> float:
    """Return the mean over classes of the share of their samples that is right; classes without samples are left out.

    Example:
        >>> balanced_accuracy(torch.tensor([0, 0, 0, 0]), torch.tensor([0, 0, 0, 2]))
        0.5
    """
    counts = torch.bincount(targets)
    right = torch.bincount(targets[said == targets], minlength=len(counts))
    present = counts > 0
    return (right[present].double() / counts[present]).mean().item()
