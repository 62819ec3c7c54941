"""Draws or reads the data of a seed once for all arms that share them."""

from functools import lru_cache

from torch import Tensor

from normbench.datasets.base import Dataset, DatasetSpec
from normbench.study.config import RunConfig

MAX_TRACED = 4
"""Samples of a batch with which an own network is tried: enough to tell the batch from other axes."""


@lru_cache(maxsize=2)  # the arms of one seed follow each other and share their data
def built_dataset(spec: DatasetSpec, seed: int) -> Dataset:
    """Return the data of one seed, on the CPU; callers share them, so do not change them."""
    return spec.build(seed)


def sample_of(config: RunConfig, seed: int = 0) -> Tensor:
    """Return the first 2 to 4 training samples of a seed, with which an own network is tried."""
    return built_dataset(config.dataset, seed).train.x[: max(2, min(config.batch_size, MAX_TRACED))]
