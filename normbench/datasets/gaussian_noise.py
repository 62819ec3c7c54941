"""Gaussian noise: normal inputs of any shape without a target, to measure a signal in an untrained network."""

from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field

from normbench.datasets.base import Dataset, DatasetSpec, Split, Task
from normbench.parts import MAX_SAMPLES, Widths
from normbench.random_streams import stream

MAX_AXES = 8


class GaussianNoiseSpec(DatasetSpec):
    """Inputs drawn from N(mean, std^2) with no target, for ``num_steps: 0``: forward and backward once."""

    task: ClassVar[Task] = "signal"
    name: Literal["gaussian_noise"] = "gaussian_noise"
    shape: Annotated[Widths, Field(max_length=MAX_AXES)] = (256,)
    """Shape of one sample: (C,), (C, L) or (C, H, W)."""
    num_samples: int = Field(256, ge=1, le=MAX_SAMPLES)
    """Samples in each split; >= 1."""
    mean: float = 0.0
    """Mean of all values."""
    std: float = Field(1.0, ge=0)
    """Std of all values; >= 0."""

    @property
    def input_shape(self) -> tuple[int, ...]:
        """As asked for."""
        return self.shape

    @property
    def output_shape(self) -> tuple[int, ...]:
        """One: the backward signal enters there."""
        return (1,)

    def build(self, seed: int) -> Dataset:
        """Draw three sets of noise."""
        return Dataset(*(Split(self._draw(seed, name)) for name in ("train", "validation", "test")))

    def _draw(self, seed: int, name: str) -> torch.Tensor:
        return self.mean + self.std * torch.randn((self.num_samples, *self.shape), generator=stream(seed, "data", name))
