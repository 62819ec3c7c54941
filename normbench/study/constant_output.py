"""Makes the best constant output of a training set, to which own metrics are applied too."""

import torch
from torch import Tensor

from normbench.datasets.base import IGNORED, OF_NUMBERS, Split, Task


def constant_output(train: Split, num_rows: int, task: Task, output_shape: tuple[int, ...]) -> Tensor:
    """Return the output that is the same for all samples and has the lowest loss on the training set.

    Of numbers it is the mean of the targets, of classes and of masks the logarithm of the shares of classes, which
    is at least that of one sample.

    Args:
        train: The training set, with targets.
        num_rows: N, the number of samples to put it out for.
        task: What the targets are.
        output_shape: Of one sample.

    Shape:
        Output: (N, *output_shape), the same memory for all samples.
    """
    assert train.y is not None
    if task in OF_NUMBERS:
        return train.y.mean(0).expand(num_rows, *output_shape)
    labels = train.y[train.y != IGNORED]
    shares = torch.bincount(labels, minlength=output_shape[0]).float() / len(labels)
    logits = shares.clamp_min(1 / max(1, len(labels))).log()
    return logits.view(-1, *[1] * (len(output_shape) - 1)).expand(num_rows, *output_shape)
