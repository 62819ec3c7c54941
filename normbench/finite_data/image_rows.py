"""ImageRows and MaskRows: images with a class each, and images with a class for each pixel."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from normbench.finite_data.array_rows import ArrayRows, fit_inputs
from normbench.finite_data.finite_rows import SEEDS_IN_MEMORY, Encode, FiniteRows
from normbench.finite_data.mask_classes import NOT_COUNTED
from normbench.finite_data.row_kinds import Numbers

IGNORED = -100
"""The class of a pixel that does not count, as losses take it."""
INT64 = 8
"""Bytes of the class of a pixel, as losses take it."""


@dataclass(frozen=True, eq=False, kw_only=True)
class ImageRows(ArrayRows):
    """Images with a class each.

    Attributes:
        files: Each image's path in the folder of all.
    """

    files: tuple[str, ...]

    def contents(self) -> Mapping[str, NDArray[Any] | Sequence[str]]:
        """Return pixels, classes, their names and those of the files."""
        return {**super().contents(), "files": self.files}


@dataclass(frozen=True, eq=False, kw_only=True)
class MaskRows(FiniteRows):
    """Images with a class for each pixel.

    Attributes:
        x: (N, C, H, W) bytes, or 16 bits.
        masks: (N, H, W) bytes, the class of each pixel, 255 where it does not count.
        files: Each image's path in the folder of all.
    """

    x: NDArray[Any]
    masks: NDArray[np.uint8]
    files: tuple[str, ...]

    @property
    def task(self) -> Literal["segmentation"]:
        """A class for each pixel."""
        return "segmentation"

    @property
    def input_shape(self) -> tuple[int, ...]:
        """(C, H, W)."""
        return self.x.shape[1:]

    @property
    def output_shape(self) -> tuple[int, ...]:
        """(classes, H, W)."""
        return (len(self.class_names), *self.masks.shape[1:])

    @property
    def num_bytes(self) -> int:
        """Memory that a process needs: beside the images' the masks of two seeds, as int64."""
        return super().num_bytes + SEEDS_IN_MEMORY * INT64 * self.masks.size

    def contents(self) -> Mapping[str, NDArray[Any] | Sequence[str]]:
        """Return pixels, masks, the values that are classes, names of files, groups and parts."""
        kinds = {"groups": self.kinds.groups, "parts": self.kinds.parts}
        said = {name: kind for name, kind in kinds.items() if kind is not None}
        return {"x": self.x, "y": self.masks, "classes": self.class_names, "files": self.files, **said}

    def fit(self, train: Numbers) -> Encode:
        """Return what makes float32 images and int64 masks, where -100 is a pixel that does not count."""
        encode = fit_inputs(self.x, train, standardize=True)
        table = torch.arange(NOT_COUNTED + 1)
        table[NOT_COUNTED] = IGNORED
        return lambda rows: (encode(rows), table[torch.from_numpy(self.masks[rows]).long()])
