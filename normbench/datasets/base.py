"""DatasetSpec: build(seed) -> Dataset(train, validation, test), three disjoint draws."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal

from torch import Tensor

from normbench.parts import Spec

Task = Literal["regression", "classification", "signal"]
"""``signal`` has no target: the network is only watched passing a signal forward and backward."""


@dataclass(frozen=True)
class Split:
    """One draw of samples.

    Shape:
        x: (N, *input_shape), float32.
        y: (N, *output_shape) float32 for regression, (N,) int64 for classification, None without a target.
    """

    x: Tensor
    y: Tensor | None = None

    def __len__(self) -> int:
        return self.x.shape[0]


@dataclass(frozen=True)
class Dataset:
    """Three disjoint draws, and what else a dataset can be read on.

    Attributes:
        train: What is learned from.
        validation: What settings are chosen by; never reported as the result.
        test: What is reported.
        noise_free: The truth without noise on a fine grid, where it is known.
    """

    train: Split
    validation: Split
    test: Split
    noise_free: Split | None = None

    def splits(self) -> dict[str, Split]:
        """Return the splits that losses are read on, by the name of their column."""
        named = {"train": self.train, "validation": self.validation, "test": self.test}
        return named | ({"noise_free": self.noise_free} if self.noise_free else {})


class DatasetSpec(Spec):
    """What YAML says about a dataset. Shapes are known without building it."""

    task: ClassVar[Task]

    @property
    @abstractmethod
    def input_shape(self) -> tuple[int, ...]:
        """One sample's shape, without the batch axis."""

    @property
    @abstractmethod
    def output_shape(self) -> tuple[int, ...]:
        """What the network must put out per sample: (classes,), (values,), or an image's (C, H, W)."""

    @property
    @abstractmethod
    def num_train(self) -> int:
        """Samples in the training set."""

    @abstractmethod
    def build(self, seed: int) -> Dataset:
        """Draw the data of one seed. The global random state is not touched."""
