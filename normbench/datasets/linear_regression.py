"""Linear regression: a noisy line on evenly spaced points; the documents' regression task."""

from typing import ClassVar, Literal

import torch
from pydantic import Field

from normbench.datasets.base import Dataset, DatasetSpec, Split, Task
from normbench.parts import MAX_SAMPLES
from normbench.random_streams import stream

NUM_GRID_POINTS = 200


class LinearRegressionSpec(DatasetSpec):
    """y = slope x + noise at ``num_samples`` evenly spaced x in [-1, 1]; beside it the noise-free line on a grid."""

    task: ClassVar[Task] = "regression"
    name: Literal["linear_regression"] = "linear_regression"
    num_samples: int = Field(10, ge=2, le=MAX_SAMPLES)
    """Points of each split; >= 2."""
    slope: float = 1.5
    """Slope of the line."""
    train_noise_std: float = Field(0.5, ge=0)
    """Std of the noise of train and validation; >= 0."""
    test_noise_std: float = Field(0.3, ge=0)
    """Std of the noise of test; >= 0."""
    training_set: int = Field(0, ge=0, le=MAX_SAMPLES)
    """Which of a seed's draws of the training points, counted from 0; validation and test are those of all draws."""

    @property
    def input_shape(self) -> tuple[int, ...]:
        """One number."""
        return (1,)

    @property
    def output_shape(self) -> tuple[int, ...]:
        """One number."""
        return (1,)

    def build(self, seed: int) -> Dataset:
        """Draw the noise of each split. Validation is noisy like the training set, test has its own noise."""
        which = (self.training_set,) if self.training_set else ()
        train = self._draw(seed, "train", *which, noise_std=self.train_noise_std)
        validation = self._draw(seed, "validation", noise_std=self.train_noise_std)
        test = self._draw(seed, "test", noise_std=self.test_noise_std)
        grid = torch.linspace(-1, 1, NUM_GRID_POINTS).unsqueeze(1)
        return Dataset(train, validation, test, noise_free=Split(grid, self.slope * grid))

    def _draw(self, seed: int, *purpose: str | int, noise_std: float) -> Split:
        x = torch.linspace(-1, 1, self.num_samples).unsqueeze(1)
        noise = torch.randn(x.shape, generator=stream(seed, "data", *purpose))
        return Split(x, self.slope * x + noise_std * noise)
