"""What batch renorm corrects by: r and d, their limits at a training step, and running statistics that keep a std."""

from dataclasses import dataclass

import torch
from torch import Tensor

from normbench.norms.base import keep_finite
from normbench.precision import at_least_float32

Pair = tuple[Tensor, Tensor]
Steps = tuple[int, int]
"""The training step from which a limit opens, and the one from which it is open, counted from 0."""


@dataclass(frozen=True)
class Limits:
    """How far r may be from 1 and d from 0, as numbers that grow with the training step.

    Attributes:
        r_max: r is kept between 1 / r_max and r_max in the end; 1 at first.
        d_max: d is kept between -d_max and d_max in the end; 0 at first.
        r_max_steps: Where r_max leaves 1, and where it arrives, in a straight line.
        d_max_steps: The same of d_max.
    """

    r_max: float = 3.0
    d_max: float = 5.0
    r_max_steps: Steps = (25, 200)
    d_max_steps: Steps = (25, 125)

    def at(self, step: Tensor) -> Pair:
        """Return both limits at a training step, or at that of each network of a stack, in the dtype of ``step``."""
        return 1 + (self.r_max - 1) * opened(step, self.r_max_steps), self.d_max * opened(step, self.d_max_steps)


DEFAULT_LIMITS = Limits()


def opened(step: Tensor, steps: Steps) -> Tensor:
    """Return the share of its way that a limit has made at a training step, 0 to 1."""
    first, last = steps
    if first == last:
        return (step >= last).to(step.dtype)
    return ((step - first) / (last - first)).clamp(0, 1)


def corrections(moments: Pair, running: Pair, limits: Limits, step: Tensor) -> Pair:
    """Return r and d, by which a batch's normalized values become those of the running mean and std.

    Args:
        moments: Mean and std of the batch; a gradient of theirs would reach r and d, so they have none.
        running: Running mean and std.
        limits: Those of r and d.
        step: The training step, counted from 0.
    """
    (mean, std), (running_mean, running_std) = moments, running
    r_limit, d_limit = limits.at(step.to(mean.dtype))
    r = (std / running_std).clamp(1 / r_limit, r_limit)
    return r, ((mean - running_mean) / running_std).clamp(-d_limit, d_limit)


def finite_std(var: Tensor, eps: float) -> Tensor:
    """Return sqrt(var + eps), at most what has a finite square."""
    return limited((var + eps).sqrt())


def limited(std: Tensor) -> Tensor:
    """Return stds at most as large as what has a finite square."""
    return std.clamp(max=torch.finfo(std.dtype).max ** 0.5)


def running_moments(mean: Tensor, var: Tensor, eps: float) -> Pair:
    """Return the running mean and the running std, in float32 where the buffers have half precision."""
    return at_least_float32(mean), (at_least_float32(var) + eps).sqrt()


def corrected(weight: Tensor | None, bias: Tensor | None, r: Tensor, d: Tensor) -> Pair:
    """Return the weight and bias that put out (x r + d) weight + bias where they are given x."""
    if weight is None or bias is None:
        return r, d
    weight = at_least_float32(weight)
    return weight * r, torch.addcmul(at_least_float32(bias), weight, d)


@torch.no_grad()
def remember(buffers: Pair, running: Pair, moments: Pair, eps: float, momentum: float) -> None:
    """Move the running mean and, as sqrt(running_var + eps), the running std towards a batch's.

    Args:
        buffers: ``running_mean`` and ``running_var``, which are changed in place.
        running: What ``running_moments`` says of them.
        moments: Mean and std of the batch.
        eps: Added to variances.
        momentum: Share of the batch; 0 changes nothing.
    """
    if not momentum:
        return
    (running_mean, running_var), (old_mean, old_std), (mean, std) = buffers, running, moments
    running_mean.copy_(old_mean.lerp(mean, momentum))
    running_var.copy_((old_std.lerp(std, momentum).square() - eps).clamp(min=0))
    keep_finite(running_mean, running_var)
