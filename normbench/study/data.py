"""Draws or reads the data of a seed once for all arms that share them."""

from collections import OrderedDict

import torch
from torch import Tensor

from normbench.datasets.base import Dataset, DatasetSpec
from normbench.study.config import RunConfig

CPU = torch.device("cpu")
FEWEST_KEPT = 2
"""Datasets kept at the fewest: on a GPU also the one on the CPU is asked for."""
MAX_TRACED = 4
"""Samples of a batch with which an own network is tried: enough to tell the batch from other axes."""


def built_dataset(spec: DatasetSpec, seed: int) -> Dataset:
    """Return the data of one seed, on the CPU; callers share them, so do not change them."""
    return dataset_on(spec, seed, CPU)


def dataset_on(spec: DatasetSpec, seed: int, device: torch.device) -> Dataset:
    """Return the data of one seed on a device, drawn or read once; files that have changed are read anew."""
    return built_once(spec, seed, device, tuple(spec.digests().items()))


class KeptData:
    """The data that were asked for last: those of two seeds, or of as many as are trained as one.

    The arms of these seeds follow each other and share them.
    """

    def __init__(self) -> None:
        self._num_kept = FEWEST_KEPT
        self._kept: OrderedDict[tuple[object, ...], Dataset] = OrderedDict()

    def __call__(
        self, spec: DatasetSpec, seed: int, device: torch.device, digests: tuple[tuple[str, str], ...]
    ) -> Dataset:
        """Return the data of one seed on a device, as they were when they had these digests."""
        key = (spec, seed, device, digests)
        if key not in self._kept:
            found = spec.build(seed) if device == CPU else self(spec, seed, CPU, digests).to(device)
            self._kept[key] = found
        self._kept.move_to_end(key)
        self._forget_oldest()
        return self._kept[key]

    def keep(self, num_seeds: int) -> None:
        """Keep the data of so many seeds from now on, two at the fewest."""
        self._num_kept = max(FEWEST_KEPT, num_seeds)
        self._forget_oldest()

    def cache_clear(self) -> None:
        """Forget all data."""
        self._kept.clear()

    def _forget_oldest(self) -> None:
        while len(self._kept) > self._num_kept:
            self._kept.popitem(last=False)


built_once = KeptData()
"""The data of one seed on a device."""


def sample_of(config: RunConfig, seed: int = 0) -> Tensor:
    """Return the first 2 to 4 training samples of a seed, with which an own network is tried."""
    return built_dataset(config.dataset, seed).train.x[: max(2, min(config.batch_size, MAX_TRACED))]
