"""Gaussian clusters: points around several centres per class, for studies of batch size."""

from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from normbench.datasets.base import Dataset, DatasetSpec, Split, Task, even_labels
from normbench.parts import MAX_SAMPLES, MAX_SIZE
from normbench.random_streams import stream

NUM_TEST_POINTS = 2000


class GaussianClustersSpec(DatasetSpec):
    """Points N(centre, noise_std^2), class = whose centre it is; each class owns ``clusters_per_class`` of them.

    The centres are N(0, 1) in each feature, those of a seed, the same in all splits. Those of one class do not
    lie together, so that no hyperplane between classes fits.

    Test accuracy at the default settings, of seeds 0, 1, 2:

    - The best possible, by the density of each class: 98.1, 98.5, 98.4 %.
    - Logistic regression to convergence, l2 0.001: 50.6, 52.0, 53.2 %.
    - MLP of 64 and 64 without norms: 88.8, 91.1, 89.5 %; with batch norm: 92.0, 92.3, 91.9 %.

    - The same MLP, ``sampling: by_class``: none 71.0, 76.5, 72.9 %, layer norm 88.9, 89.8, 88.8 %, batch norm 11.2,
      13.0, 10.8 %, which is chance.

    MLP: 1,000 steps of SGD, batch size 32, lr 0.03, momentum 0.9; by class 3,000, 8, 0.01 and 0.
    """

    task: ClassVar[Task] = "classification"
    name: Literal["gaussian_clusters"] = "gaussian_clusters"
    num_classes: int = Field(10, ge=2, le=MAX_SIZE)
    """Classes; >= 2."""
    clusters_per_class: int = Field(6, ge=1, le=MAX_SIZE)
    """Clusters of points that each class owns; >= 1."""
    num_features: int = Field(16, ge=1, le=MAX_SIZE)
    """Numbers per point; >= 1."""
    num_samples: int = Field(2000, ge=2, le=MAX_SAMPLES)
    """Points in train, and as many in validation; >= 2."""
    noise_std: float = Field(0.7, ge=0)
    """Std of the points around their centre; >= 0, and centres have std 1."""

    @property
    def input_shape(self) -> tuple[int, ...]:
        """One number per feature."""
        return (self.num_features,)

    @property
    def output_shape(self) -> tuple[int, ...]:
        """One class per set of clusters."""
        return (self.num_classes,)

    def build(self, seed: int) -> Dataset:
        """Draw the centres, then three splits around them; the test set has 2,000 points whatever the settings."""
        centres = self.centres(seed)
        train, validation = (self._draw(seed, name, self.num_samples, centres) for name in ("train", "validation"))
        return Dataset(train, validation, self._draw(seed, "test", NUM_TEST_POINTS, centres))

    def centres(self, seed: int) -> Tensor:
        """Return the centres of the clusters: (clusters, F); cluster i is of class i % num_classes."""
        num_clusters = self.num_classes * self.clusters_per_class
        return torch.randn((num_clusters, self.num_features), generator=stream(seed, "data", "centres"))

    def _draw(self, seed: int, split: str, num_points: int, centres: Tensor) -> Split:
        cluster = even_labels(num_points, len(centres), stream(seed, "data", split, "clusters"))
        noise = torch.randn((num_points, self.num_features), generator=stream(seed, "data", split, "noise"))
        return Split(centres[cluster] + self.noise_std * noise, cluster % self.num_classes)
