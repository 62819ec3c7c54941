"""Computes in float32 where the input has half precision, in which sums of squares overflow and means are rounded."""

from typing import overload

import torch
from torch import Tensor

HALF_PRECISION = (torch.float16, torch.bfloat16)


@overload
def at_least_float32(x: Tensor) -> Tensor: ...
@overload
def at_least_float32(x: None) -> None: ...
def at_least_float32(x: Tensor | None) -> Tensor | None:
    """Return x in float32 if it is float16 or bfloat16, else x itself."""
    return x.float() if x is not None and x.dtype in HALF_PRECISION else x
