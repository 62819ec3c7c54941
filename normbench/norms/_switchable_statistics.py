"""Means and variances for switchable norm: of each kind in one batch, and those kept over many batches."""

from collections.abc import Sequence
from functools import reduce
from typing import Literal

import torch
from torch import Tensor

from normbench.norms._sum_of_squares import sum_of_squares
from normbench.precision import at_least_float32

Kind = Literal["instance", "layer", "batch"]
Moments = tuple[Tensor, Tensor]
"""Mean and variance."""


def moments_of_kinds(mean: Tensor, centred: Tensor, kinds: tuple[Kind, ...], *, official: bool) -> dict[Kind, Moments]:
    """Return mean and variance of each kind, of shape (N, C, 1) with 1 where they are shared.

    ``mean`` (N, C, 1) is that of every map, ``centred`` (N, C, L) what is left of the map without it. ``official``
    takes unbiased variances of single maps, or of several where each has one value.

    Raises:
        ValueError: An unbiased variance of one value is asked for.
    """
    size = centred.shape[2]
    # One value is its own mean: its deviation is 0.
    squares = centred.square() if size == 1 else sum_of_squares(centred, (2,))
    var = squares / _divisor(size, int(official and (size > 1 or "instance" in kinds)))
    found: dict[Kind, Moments] = {"instance": (mean, var)}
    shared: tuple[tuple[Kind, int], ...] = (("layer", 1), ("batch", 0))
    for kind, axis in shared:
        if kind in kinds:
            found[kind] = _over(axis, mean, var, int(official and size == 1))
    return found


def moments_of_batches(mean: Tensor, var: Tensor, sizes: Sequence[int], size: int, *, official: bool) -> Moments:
    """Return mean and variance of each of several batches that lie one after the other, each (batches, C, 1).

    Args:
        mean: (N, C, 1), of every map.
        var: (N, C, 1), of every map.
        sizes: Samples of each batch, N in all.
        size: Number of values of each map.
        official: Take the unbiased variance where each map has one value.
    """
    correction = int(official and size == 1)
    if len(set(sizes)) == 1:
        shape = (len(sizes), sizes[0])
        centre, over = _over(1, mean.unflatten(0, shape), var.unflatten(0, shape), correction)
        return centre.squeeze(1), over.squeeze(1)
    batches = zip(mean.split(list(sizes)), var.split(list(sizes)), strict=True)
    means, variances = zip(*(_over(0, *batch, correction) for batch in batches), strict=True)
    return torch.cat(means), torch.cat(variances)


def _over(axis: int, mean: Tensor, var: Tensor, correction: int) -> Moments:
    """Return mean and variance of several maps together, from those of each."""
    centre = mean.mean(axis, keepdim=True)
    between = (mean - centre).square().sum(axis, keepdim=True) / _divisor(mean.shape[axis], correction)
    return centre, var.mean(axis, keepdim=True) + between


def _divisor(size: int, correction: int) -> int:
    if size <= correction:
        raise ValueError(f"input: must have 2 values or more per unbiased variance, got {size}. Use compat: none.")
    return size - correction


def mixture(weights: Tensor, tensors: list[Tensor]) -> Tensor:
    """Return the sum of the tensors, each times its share: the softmax of the weights."""
    shares = at_least_float32(weights).softmax(0).unbind()
    return reduce(torch.add, [share * tensor for share, tensor in zip(shares, tensors, strict=True)])


def followed(
    running: Moments, batch: Moments, num_batches: Tensor, momentum: float | None, *, official: bool
) -> Moments:
    """Return the running moments after a batch, which is the last of ``num_batches``.

    They move by the share ``momentum`` towards those of the batch. None takes the moments of all values of all batches;
    ``official`` then keeps what the published code does: sums of means and of mean squares.
    """
    (mean, var), (new_mean, new_var) = running, batch
    if momentum is not None:
        return (1 - momentum) * mean + momentum * new_mean, (1 - momentum) * var + momentum * new_var
    if official:
        return mean + new_mean, var + new_mean.square() + new_var
    share = 1 / num_batches.to(mean.dtype)
    step = new_mean - mean
    return mean + share * step, (1 - share) * var + share * new_var + (share * step) * ((1 - share) * step)
