"""Draws or reads the data of a seed once for all arms that share them."""

from functools import lru_cache

import torch
from torch import Tensor

from normbench.datasets.base import Dataset, DatasetSpec
from normbench.study.config import RunConfig

CPU = torch.device("cpu")
MAX_TRACED = 4
"""Samples of a batch with which an own network is tried: enough to tell the batch from other axes."""


def built_dataset(spec: DatasetSpec, seed: int) -> Dataset:
    """Return the data of one seed, on the CPU; callers share them, so do not change them."""
    return dataset_on(spec, seed, CPU)


def dataset_on(spec: DatasetSpec, seed: int, device: torch.device) -> Dataset:
    """Return the data of one seed on a device, drawn or read once; files that have changed are read anew."""
    return built_once(spec, seed, device, tuple(spec.digests().items()))


@lru_cache(maxsize=2)  # the arms of one seed follow each other and share their data
def built_once(spec: DatasetSpec, seed: int, device: torch.device, digests: tuple[tuple[str, str], ...]) -> Dataset:
    """Return the data of one seed on a device, as they were when they had these digests."""
    return spec.build(seed) if device == CPU else built_once(spec, seed, CPU, digests).to(device)


def sample_of(config: RunConfig, seed: int = 0) -> Tensor:
    """Return the first 2 to 4 training samples of a seed, with which an own network is tried."""
    return built_dataset(config.dataset, seed).train.x[: max(2, min(config.batch_size, MAX_TRACED))]
