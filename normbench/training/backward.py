"""Goes back from a loss, as ``loss.backward()`` does, without what torch looks up in Python at each step."""

import torch
from torch import Tensor
from torch._C import _ImperativeEngine

_ENGINE = _ImperativeEngine()


def go_back(loss: Tensor) -> None:
    """Add the gradient of a loss to that of each parameter.

    torch prepares for compiled code, logs and other kinds of tensors before its engine runs: 25 us a step, a tenth of
    one of a tiny network.

    Args:
        loss: One number; for anything else torch tells what is wrong.
    """
    if loss.dim():
        loss.backward()
    else:
        root_gradient = torch.ones_like(loss)
        _ENGINE.run_backward((loss,), (root_gradient,), False, False, (), allow_unreachable=True, accumulate_grad=True)
