"""Finds outputs that are the same for all samples: of the network, and of norms that have one value per statistic."""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor, nn

from normbench.norm_swap.meaning.watched_pass import OUTPUT, watched_pass
from normbench.norm_swap.passes import undisturbed

SAME = 1e-4
"""Largest spread, as a share of what it was, that is rounding."""


@dataclass(frozen=True)
class EqualOutputs:
    """How far outputs of a network differ between samples.

    Attributes:
        spread: Largest standard deviation over samples, of any output value.
        spread_before: The same with the network's own norms.
    """

    spread: float
    spread_before: float


def find_equal_outputs(network: nn.Module, x: Tensor, before: float) -> EqualOutputs | None:
    """Return how little outputs differ between samples, in training, where they did before; None where they still do.

    Args:
        network: The network with other norms.
        x: A batch.
        before: Their spread with its own norms.
    """
    after = output_spread(network, x)
    return EqualOutputs(after, before) if after <= SAME * before and before > 0 else None


def output_spread(network: nn.Module, x: Tensor) -> float:
    """Return the largest standard deviation over samples, of any output value, in training."""
    with undisturbed(network):
        y = watched_pass(network, x, (), training=True)[OUTPUT][1]
    return float(y.double().std(dim=0, correction=0).max()) if y.numel() else 0.0


def find_dead_norms(network: nn.Module, x: Tensor, channel_axes: Mapping[str, int]) -> tuple[str, ...]:
    """Return the names of norms that put out one number per channel whatever they get, in training.

    So does a norm that takes each mean over a single value, as of a map of 1x1. One whose weight is 0, as the last of a
    residual block may be at the start, is not meant.

    Args:
        network: The network.
        x: A batch.
        channel_axes: Axis of the channels of each norm, by its name.
    """
    with undisturbed(network):
        pairs = watched_pass(network, x, list(channel_axes), training=True)
    return tuple(
        name
        for name, axis in channel_axes.items()
        if name in pairs and _is_dead(*pairs[name], axis, network.get_submodule(name))
    )


def _is_dead(x: Tensor, y: Tensor, axis: int, norm: nn.Module) -> bool:
    weights = [one for name, one in norm.named_parameters() if name.endswith("weight")]
    largest = max((float(one.detach().abs().max()) for one in weights), default=1.0)
    return _spread_of_channels(x, axis) > 0 and _spread_of_channels(y, axis) < SAME * largest


def _spread_of_channels(x: Tensor, axis: int) -> float:
    return float(x.double().movedim(axis, 0).flatten(1).std(dim=1, correction=0).max()) if x.numel() else 0.0
