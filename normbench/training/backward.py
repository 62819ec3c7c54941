"""Goes back from a loss, as ``loss.backward()`` does, without what torch looks up in Python at each step."""

import torch
from torch import _C, Tensor

_ENGINE = getattr(_C, "_ImperativeEngine", None)
"""What ``loss.backward()`` calls in the end; None in a torch without it."""


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
        _run(loss, torch.ones_like(loss))


def go_back_from_means(losses: Tensor) -> Tensor:
    """Add the gradients of several networks' losses, the means over rows of (S, M); return the losses, (S,)."""
    _run(losses, torch.full_like(losses, 1 / losses.shape[1]))
    return losses.detach().mean(1)


def _run(roots: Tensor, gradients: Tensor) -> None:
    if _ENGINE is None:
        roots.backward(gradients)
    else:
        _ENGINE().run_backward((roots,), (gradients,), False, False, (), allow_unreachable=True, accumulate_grad=True)
