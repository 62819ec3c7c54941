"""Torchvision: images of a set that torchvision knows, such as CIFAR10."""

from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from normbench.datasets._finite import FiniteDataset
from normbench.datasets.base import Task
from normbench.finite_data.array_rows import ArrayRows
from normbench.finite_data.data_files import data_path
from normbench.finite_data.row_kinds import RowKinds
from normbench.finite_data.split_rule import NAMES
from normbench.finite_data.targets import Targets
from normbench.finite_data.torchvision_sets import find_set, parts_of, read_part
from normbench.own_code.source_folder import Rooted


class TorchvisionSpec(Rooted, FiniteDataset):
    """Images of a set that torchvision knows, such as CIFAR10 or MNIST, kept as bytes.

    Its training and its test set stay what they are, and a fifth of the training images validates; with
    ``only_train`` the training set alone is read, and each seed splits it, as by folds. Each channel is standardized by
    the training images. Nothing is fetched unless ``download`` says so. Needs torchvision.
    """

    takes_own: ClassVar[bool] = True
    task: ClassVar[Task] = "classification"
    name: Literal["torchvision"] = "torchvision"
    set_name: str = Field(alias="set", examples=["CIFAR10"])
    """The set's name in torchvision.datasets."""
    root: str = Field("data", examples=["sets"])
    """The folder that holds it, from the study file's folder."""
    download: bool = False
    """Fetch it into root where it is not there."""
    only_train: bool = False
    """Leave out the set's own test images, and split its training images."""
    standardize: bool = True
    """Bring each channel to mean 0 and std 1 by the training images; else bytes are shares of 255."""

    def files(self) -> tuple[Path, ...]:
        """Return the folder that holds the set."""
        return (data_path(self.root, self.folder),)

    def read(self) -> ArrayRows:
        """Read the set by torchvision."""
        make, root = find_set(self.set_name), data_path(self.root, self.folder)
        parts = parts_of(make)
        read = ("train",) if parts and self.only_train else parts or ("",)
        found = [read_part(make, part, root, download=self.download) for part in read]
        x, classes = (np.concatenate(one) for one in zip(*((one.x, one.classes) for one in found), strict=True))
        numbers = np.repeat([NAMES.index(part) for part in read if part], [len(one.x) for one in found if read[0]])
        kinds = RowKinds(len(x), classes, None, numbers.astype(np.int64) if len(read) > 1 else None)
        targets = Targets("classification", classes, found[0].class_names)
        return ArrayRows(kinds, found[0].class_names, unit="images", x=x, targets=targets, standardize=self.standardize)
