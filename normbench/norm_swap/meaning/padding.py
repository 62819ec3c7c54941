"""Finds norms that count padding: the output changes where samples end in fewer padded positions."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from normbench.norm_swap.meaning.watched_pass import OUTPUT, watched_pass
from normbench.norm_swap.passes import undisturbed

SAME = 1e-4
"""Largest change, as a share of the largest output, that is rounding."""
MOST_SAMPLES = 4
FEWEST_SAMPLES = 2


@dataclass(frozen=True)
class CountedPadding:
    """How far outputs move with padding.

    Attributes:
        num_positions: How many padded positions were left out.
        change: The most that an output moves.
        change_before: The same with the network's own norms.
    """

    num_positions: int
    change: float
    change_before: float


def find_counted_padding(kept: nn.Module, swapped: nn.Module, x: Tensor) -> CountedPadding | None:
    """Return how far outputs move with padding that did not matter to the network's own norms; None where not.

    Padding is what samples end in, in unequal numbers of positions along axis 1: zeros in all features, or one
    whole number. Compared are evaluations with and without as many of these positions as all chosen samples have.

    Args:
        kept: The network as it was.
        swapped: The network with other norms.
        x: Samples (N, T) or (N, T, F), from which those with the most padding are chosen.
    """
    padding = padded_samples(x)
    if padding is None:
        return None
    samples, num_positions = padding
    before, after = (_change(network, samples, num_positions) for network in (kept, swapped))
    if before is None or after is None or before[1] > SAME or after[1] <= SAME:
        return None
    return CountedPadding(num_positions, after[0], before[0])


def padded_samples(x: Tensor) -> tuple[Tensor, int] | None:
    """Return the samples that end in the most padding, and how many positions of it all of them have; None without."""
    if x.dim() not in (2, 3) or x.shape[1] < 2:
        return None
    lengths = _padding_lengths(x)
    if lengths is None or int(lengths.max()) == int(lengths.min()):
        return None
    most = lengths.argsort(descending=True)[:MOST_SAMPLES]
    chosen = most[lengths[most] > 0]
    if len(chosen) < FEWEST_SAMPLES:
        return None
    return x[chosen], min(int(lengths[chosen].min()), x.shape[1] - 1)


def _padding_lengths(x: Tensor) -> Tensor | None:
    """Return in how many padded positions each sample ends."""
    if x.dim() == 3:
        is_padding = (x == 0).all(dim=2)
    elif not x.is_floating_point():
        value = x[:, -1].mode().values
        is_padding = x == value
    else:
        return None
    return is_padding.flip(1).long().cumprod(1).sum(1)


def _change(network: nn.Module, samples: Tensor, num_positions: int) -> tuple[float, float] | None:
    """Return the largest change of an output and its share of the largest output; None where lengths are fixed."""
    try:
        with undisturbed(network):
            y = watched_pass(network, samples, (), training=False)[OUTPUT][1]
            shorter = watched_pass(network, samples[:, :-num_positions], (), training=False)[OUTPUT][1]
    except Exception:  # noqa: BLE001 - a network may take samples of one length alone
        return None
    if shorter.shape != y.shape:
        return None
    change = float((shorter - y).abs().max())
    return change, change / max(float(y.abs().max()), torch.finfo(y.dtype).tiny)
