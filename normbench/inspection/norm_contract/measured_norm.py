"""MeasuredNorm: a norm at one shape, from which layers and batches are made to measure it."""

import random
from copy import deepcopy
from dataclasses import dataclass
from math import prod

import numpy as np
import torch
from torch import Tensor, nn

from normbench.any_module.random_states import held_generators
from normbench.norms.base import FeatureShape, NormSpec, position_axes

MODES = {"train": True, "eval": False}


@dataclass(frozen=True)
class MeasuredNorm:
    """A norm's spec, and the shape of the samples that it is built for."""

    spec: NormSpec
    feature_shape: FeatureShape

    def layer(self, *, dtype: torch.dtype = torch.float64, age: int = 0, training: bool = True) -> nn.Module:
        """Make the layer with parameters that are not 1 and 0, let it see ``age`` training batches."""
        layer = self.spec.build(self.feature_shape).to(dtype)
        with torch.no_grad():
            for parameter in layer.parameters():
                parameter.add_(torch.randn_like(parameter), alpha=0.3)
            for _ in range(age):
                layer(self.batch(7, dtype))
        return layer.train(training)

    def batch(self, size: int, dtype: torch.dtype = torch.float64) -> Tensor:
        """Draw inputs of about mean 3 and std 10, rounded alike in every dtype, no two of them nearly equal.

        So eps is small beside every variance, even of two values.
        """
        shape = (size, *self.feature_shape)
        ranks = torch.randperm(prod(shape)).view(shape)
        normal = 2**0.5 * torch.erfinv(2 * (ranks + 0.5) / ranks.numel() - 1)
        mean, std = 3 + torch.randn(()), 8 + 4 * torch.rand(())
        return (mean + std * normal).to(dtype)


def output(layer: nn.Module, x: Tensor, seed: int = 1) -> Tensor:
    """Return what the layer puts out, leaving the layer, its buffers and the input as they were."""
    return seeded(deepcopy(layer), x.clone(), seed).detach()


def seeded(layer: nn.Module, x: Tensor, seed: int = 1) -> Tensor:
    """Return what the layer puts out if its random numbers are those of ``seed``."""
    seed_all(seed, layer)
    return layer(x)  # type: ignore[no-any-return]


def seed_all(seed: int, layer: nn.Module) -> None:
    """Seed all generators that a layer may draw from: torch's of the CPU, numpy's, Python's and those that it holds."""
    for generator in held_generators(layer):
        generator.manual_seed(seed)
    torch.default_generator.manual_seed(seed)  # torch.manual_seed asks every device: 100 times slower
    np.random.seed(seed)  # noqa: NPY002 - a layer of the user's may draw from it
    random.seed(seed)


def axis_letters(rank: int) -> list[str]:
    """Return the letters of a batch's axes, for samples with ``rank`` axes."""
    return ["N", "C", *position_axes((1,) * rank).split()]
