"""Max pooling that costs little where no gradient is asked for, as in evaluation."""

from functools import reduce

import torch
from torch import Tensor, nn

from normbench.any_module.tensors import is_inside_transform


class MaxPool2d(nn.MaxPool2d):
    """Take the largest value of each window; windows do not overlap. The same as torch's layer to the bit.

    torch's kernel for a CPU finds the place of each maximum, which the gradient alone needs. Without one, the larger
    values of neighbours are taken, in a tenth of the time.

    Shape:
        input: (N, C, H, W).
        output: (N, C, H // size, W // size).

    Args:
        size: Height and width of a window.

    Example:
        >>> MaxPool2d(2)(torch.arange(10.0).view(1, 1, 2, 5))
        tensor([[[[6., 8.]]]])
    """

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.size = size

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's name
        """Return the largest value of each window."""
        if self._needs_places(input) or min(input.shape[2:]) < self.size:
            largest: Tensor = super().forward(input)
            return largest
        height, width = (side // self.size * self.size for side in input.shape[2:])
        rows = reduce(torch.maximum, (input[:, :, i : height : self.size] for i in range(self.size)))
        return reduce(torch.maximum, (rows[..., i : width : self.size] for i in range(self.size)))

    def _needs_places(self, x: Tensor) -> bool:
        return x.device.type != "cpu" or (torch.is_grad_enabled() and x.requires_grad) or is_inside_transform()
