"""Makes the batch of a norm's worked example: the shape asked for, or a small piece of it, with easy numbers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod

import torch
from torch import Tensor, nn

from normbench.errors import SettingError
from normbench.norms.base import FeatureShape, NormSpec

NUMBERS = (1, 2, 3, 6, 0, 4, -2, 2, 5, 1, 1, 3, 2, -1, 4, 3, 0, 7, -3, 2, 1, 5, 2, 0, -1, 3, 6, 4, -2, 1, 8)
"""Small whole numbers, given out in turn; 31 of them, so that samples differ whatever their size."""
MOST_SAMPLES, MOST_VALUES = 4, 8
"""Samples, and values of each, that are shown whole: what a line of the page holds."""
SAMPLES, VALUES = 3, 4
"""What stands for more of them, where the norm allows it."""
MOST_CHANNELS = 64
"""Of a piece, beside all channels."""
SEED = 3
"""With it, norms that draw at random show what they do: AdaIN exchanges the styles of three samples."""


@dataclass(frozen=True)
class ExampleRow:
    """Holds one sample of the worked example."""

    values: tuple[float, ...]
    output: tuple[float, ...]


@dataclass(frozen=True)
class WorkedExample:
    """Holds the batch of a worked example and what the layer makes of it in training.

    Attributes:
        shape: (N, C, *) of the batch.
        is_whole: Whether that is the shape asked for.
        rows: A row per sample.
    """

    shape: tuple[int, ...]
    is_whole: bool
    rows: tuple[ExampleRow, ...]


def worked_example(spec: NormSpec, shape: Sequence[int]) -> WorkedExample:
    """Return samples of a batch and the layer's outputs for them, in training mode."""
    small = example_shape(spec, shape)
    x = easy_numbers(small)
    output = pure(spec.build(small[1:]).double().train(), x).detach()
    pairs = zip(x.flatten(1).tolist(), output.flatten(1).tolist(), strict=True)
    rows = tuple(ExampleRow(tuple(values), tuple(out)) for values, out in pairs)
    return WorkedExample(small, small == tuple(shape), rows)


def easy_numbers(shape: tuple[int, ...]) -> Tensor:
    """Return a batch of small whole numbers."""
    return torch.tensor([NUMBERS[i % len(NUMBERS)] for i in range(prod(shape))], dtype=torch.float64).view(shape)


def pure(layer: nn.Module, x: Tensor) -> Tensor:
    """Return a layer's output, with the same random numbers at every call."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(SEED)  # torch.manual_seed asks every device: 100 times slower
        output: Tensor = layer(x)
    return output


def example_shape(spec: NormSpec, shape: Sequence[int]) -> tuple[int, ...]:
    """Return as much of the shape as is easy to follow: few samples, of about four values where they are large."""
    features = tuple(shape[1:])
    num_samples = shape[0] if shape[0] <= MOST_SAMPLES else SAMPLES
    if prod(features) <= MOST_VALUES:
        return (num_samples, *features)
    pieces = sorted(_pieces(features), key=lambda piece: abs(prod(piece) - VALUES))
    taken = next((piece for piece in pieces if _takes(spec, piece, num_samples)), features)
    return (num_samples, *taken)


def _pieces(features: FeatureShape) -> Iterator[FeatureShape]:
    """Yield pieces of a sample: up to two positions per axis, first along one axis, then along all."""
    rank = len(features) - 1
    wanted = [*_ends(rank), (2,) * rank, (1,) * rank]
    positions = dict.fromkeys(tuple(map(min, features[1:], sizes)) for sizes in wanted)
    tried = dict.fromkeys((*range(1, min(features[0], MOST_CHANNELS) + 1), features[0]))
    for sizes, channels in product(positions, tried):
        yield (channels, *sizes)


def _ends(rank: int) -> list[tuple[int, ...]]:
    others = (1,) * (rank - 1)
    return [(2, *others), (*others, 2)] if rank else []


def _takes(spec: NormSpec, features: FeatureShape, num_samples: int) -> bool:
    try:
        spec.build(features)
        spec.check_batch(features, num_samples)
    except SettingError:
        return False
    return True
