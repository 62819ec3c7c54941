"""DatasetSpec: the base class of datasets, whose ``build`` draws disjoint train, validation and test sets."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import torch
from torch import Generator, Tensor

from normbench.errors import SettingError
from normbench.findings import Finding
from normbench.parts import Spec

Task = Literal["regression", "classification", "segmentation", "style_transfer", "signal"]
"""``segmentation`` has a class for every pixel. ``style_transfer`` is the regression of an image that is also judged by
its style and its content. ``signal`` has no target: one signal is sent forward and backward without training."""
OF_NUMBERS: tuple[Task, ...] = ("regression", "style_transfer")
"""Tasks whose targets are numbers, learned by their mean squared error."""
IGNORED = -100
"""The class of a pixel that does not count: torch's ``ignore_index``."""
Splitting = Literal["folds", "random", "fixed"]


@dataclass(frozen=True)
class FiniteData:
    """What is known of data that are not drawn anew by each seed: all seeds cut the same rows.

    Attributes:
        num_rows: Number of all rows, in all splits together.
        unit: What a row is, in the plural: "rows", "images".
        splits: How a seed cuts them: as one of several folds, at random, or always the same.
        num_folds: Number of folds; None without.
    """

    num_rows: int
    unit: str
    splits: Splitting
    num_folds: int | None = None


@dataclass(frozen=True)
class Split:
    """Samples drawn at once, with targets and groups.

    Shape:
        x: (N, *input_shape), float32.
        y: (N, *output_shape) float32 for regression and style_transfer, (N,) int64 for classification, (N, H, W) int64
            for segmentation, where -100 is a pixel that does not count, None without a target.
        group: (N,) int64, the groups that ``sampling: by_class`` separates instead of classes; None without groups.
    """

    x: Tensor
    y: Tensor | None = None
    group: Tensor | None = None

    def __len__(self) -> int:
        return self.x.shape[0]

    def take(self, chosen: Tensor) -> "Split":
        """Return the samples with these indices."""
        y, group = (None if column is None else column[chosen] for column in (self.y, self.group))
        return Split(self.x[chosen], y, group)

    def to(self, device: torch.device) -> "Split":
        """Return the same samples on a device."""
        y, group = (None if column is None else column.to(device) for column in (self.y, self.group))
        return Split(self.x.to(device), y, group)


@dataclass(frozen=True)
class Dataset:
    """Three disjoint sets of samples, and further sets on which losses are computed.

    Attributes:
        train: The training set.
        validation: The set by which tuning chooses values; never reported as the result.
        test: The set whose loss is the result.
        noise_free: The noise-free curve on a fine grid, where it is known.
        extra: Further sets that are never trained on, by the name of their column: ``seen``, ``longer``. Where
            ``test`` has another distribution than ``train``, ``seen`` has that of ``train``. Sequences may be longer.
    """

    train: Split
    validation: Split
    test: Split
    noise_free: Split | None = None
    extra: Mapping[str, Split] = field(default_factory=dict, kw_only=True)

    def splits(self) -> dict[str, Split]:
        """Return the splits on which losses are computed, by the name of their column."""
        named = {"train": self.train, "validation": self.validation, "test": self.test}
        return named | ({"noise_free": self.noise_free} if self.noise_free else {}) | dict(self.extra)

    def to(self, device: torch.device) -> "Dataset":
        """Return the same splits on a device."""
        moved = {name: split.to(device) for name, split in self.splits().items()}
        extra = {name: moved.pop(name) for name in self.extra}
        return Dataset(**moved, extra=extra)


class DatasetSpec(Spec):
    """The settings of a dataset in YAML; shapes are known without building it."""

    task: ClassVar[Task]

    @property
    @abstractmethod
    def input_shape(self) -> tuple[int, ...]:
        """One sample's shape, without the batch axis."""

    @property
    @abstractmethod
    def output_shape(self) -> tuple[int, ...]:
        """Shape of the network's output for one sample: (classes,), (values,), or an image's (C, H, W)."""

    @property
    def sequence_lengths(self) -> tuple[int, int] | None:
        """Steps of the shortest and of the longest sequence in any split; None where samples have no mask."""
        return None

    @property
    def num_train(self) -> int:
        """Number of samples in the training set: of data that seeds draw their setting ``num_samples``."""
        return int(self.setting("num_samples"))

    @property
    def finite(self) -> FiniteData | None:
        """What is known of data of which there are only so many rows; None where each seed draws its own."""
        return None

    def digests(self) -> Mapping[str, str]:
        """Return the sha256 of what was read from the user's files, by name; empty for data that seeds draw."""
        return {}

    @property
    def num_bytes(self) -> int:
        """Memory that finite data need in each process; 0 for data that seeds draw, which have num_samples."""
        return 0

    def mistakes(self) -> Sequence[SettingError]:
        """Return what is wrong with the user's files, or why they cannot be split; told before anything runs."""
        return ()

    def findings(self) -> Sequence[Finding]:
        """Return what a user should know of the data before training."""
        return ()

    @property
    def group_sizes(self) -> tuple[int, ...]:
        """Number of training samples of each class or group, for ``sampling: by_class``; empty without classes."""
        return even_shares(self.num_train, self.output_shape[0]) if self.task == "classification" else ()

    @abstractmethod
    def build(self, seed: int) -> Dataset:
        """Draw the data of one seed, without touching the global random state."""


def even_labels(num_samples: int, num_labels: int, rng: Generator) -> Tensor:
    """Return labels 0 .. num_labels - 1 in random order, each equally often: (N,) int64.

    Where the samples do not divide evenly, the first labels have one more.
    """
    return torch.randperm(num_samples, generator=rng) % num_labels


def even_shares(num_samples: int, num_labels: int) -> tuple[int, ...]:
    """Return the number of times that ``even_labels`` returns each label."""
    return tuple(len(range(label, num_samples, num_labels)) for label in range(num_labels))
