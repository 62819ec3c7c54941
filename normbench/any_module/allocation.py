"""Allocates the memory of a module on the meta device, without the values that it will hold."""

import torch
from torch import Tensor, nn


def allocate(module: nn.Module) -> nn.Module:
    """Give each parameter and buffer memory on the CPU, with shape, strides and type as they are; return the module.

    ``to_empty`` does the same, but from the meta device by way of torch's symbolic shapes, whose import of sympy takes
    0.3 CPU-seconds.
    """
    module._apply(_empty)  # noqa: SLF001 - as to_empty does it
    return module


def _empty(tensor: Tensor) -> Tensor:
    return torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device="cpu")
