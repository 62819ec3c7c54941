"""Arrays: your own data from .npz or .npy files of numpy."""

from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from normbench.datasets._of_arrays import DatasetOfArrays
from normbench.finite_data.array_rows import ArrayRows
from normbench.finite_data.data_files import data_path
from normbench.finite_data.file_names import FileNames
from normbench.finite_data.named_arrays import read_rows, readers_of_files
from normbench.own_code.source_folder import Rooted


class ArraysSpec(Rooted, DatasetOfArrays):
    """Your own arrays, from an .npz file with ``x`` and ``y``, or ``x_train``, ``y_train``, ``x_test``, ``y_test``.

    Rows are the first axis: x is (N, F), or (N, C, *) with ``layout`` where the channels cannot be seen. Bytes are
    taken as shares of 255, and all inputs are standardized by the training rows, each feature or each channel. In
    regression so is the target: always saying the training mean has a loss of about 1.

    An array ``group`` says what must stay together, such as a patient's rows. Without x_validation, a fifth of the
    rows of x_train validates. ``file`` may name .npy files, {x: x.npy, y: y.npy}, or .npz files, {train: a.npz,
    test: b.npz}. Objects, which are pickled, are refused.
    """

    takes_own: ClassVar[bool] = True
    name: Literal["arrays"] = "arrays"
    file: FileNames
    """The .npz file, from the study file's folder; or several files by name."""
    x: str = Field("x", examples=["images"])
    """Name of the inputs in the file."""
    y: str = Field("y", examples=["labels"])
    """Name of the targets in the file."""
    group: str = Field("group", examples=["patient"])
    """Name of what says which rows stay together, where the file has it."""

    def files(self) -> tuple[Path, ...]:
        """Return the files that are read."""
        names = [self.file] if isinstance(self.file, str) else list(self.file.values())
        return tuple(data_path(name, self.folder) for name in names)

    def read(self) -> ArrayRows:
        """Read and check the arrays."""
        keys = (self.x, self.y, self.group)
        found = read_rows(readers_of_files(self.file, self.folder, keys), keys[:2], keys[2:])
        x, y, group = found.arrays[self.x], found.arrays[self.y], found.arrays.get(self.group)
        return self.checked_rows(x, y, group, found.parts)
