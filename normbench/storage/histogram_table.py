"""HistogramTable: histograms by recorded step and tensor, as histograms.npz holds them; writes and reads that file."""

import io
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from normbench.errors import RunFolderError
from normbench.storage.contents.npz import read_arrays
from normbench.storage.run_folder import HISTOGRAMS_NPZ, Run

if TYPE_CHECKING:
    from numpy.typing import NDArray

NUM_BINS = 64
"""Bins of a histogram; TensorBoard draws 30."""
KINDS = {"steps": "iu", "kinds": "U", "names": "U"}
KINDS |= dict.fromkeys(("min", "max", "sum", "sum_squares"), "f")
KINDS |= dict.fromkeys(("num", "num_nonfinite", "counts"), "iu")
"""Of each array: whole numbers, texts, or fractions."""


@dataclass(frozen=True)
class HistogramTable:
    """Histograms of some tensors (T) at some recorded steps (S); each field is an array of histograms.npz.

    A histogram counts a tensor's finite values in 64 bins of equal width from the smallest to the largest. Where these
    are equal, or too far apart for the tensor's numbers, all values lie in the first bin, which then is the only one.
    Where no value is finite, ``num`` is 0 and ``min`` and ``max`` are nan; where a step has no such tensor, as the last
    has no update, ``num_nonfinite`` is 0 too.

    Attributes:
        steps: (S,) Updates made before.
        kinds: (T,) weight, grad, activation or update.
        names: (T,) Parameter, or layer of an activation.
        min: (S, T) Smallest finite value.
        max: (S, T) Largest finite value.
        sum: (S, T) Sum of the finite values.
        sum_squares: (S, T) Sum of their squares.
        num: (S, T) Number of finite values.
        num_nonfinite: (S, T) Number of values that are inf or nan.
        counts: (S, T, 64) Number of values in each bin; the smallest unsigned integers that hold them.
    """

    steps: "NDArray[Any]"
    kinds: "NDArray[Any]"
    names: "NDArray[Any]"
    min: "NDArray[Any]"
    max: "NDArray[Any]"
    sum: "NDArray[Any]"
    sum_squares: "NDArray[Any]"
    num: "NDArray[Any]"
    num_nonfinite: "NDArray[Any]"
    counts: "NDArray[Any]"

    @cached_property
    def right_edges(self) -> "NDArray[Any]":
        """(S, T, 64) The right edge of each bin; the left edge of the first is ``min``."""
        import numpy as np

        low, high = self.min[..., None], self.max[..., None]
        # of a range beyond float64, which has a single bin; in a file of others an end may be inf
        with np.errstate(over="ignore", invalid="ignore"):
            edges = low + (high - low) / NUM_BINS * np.arange(1, NUM_BINS + 1)
        edges[..., -1:] = high
        is_single = self.counts[..., :1] == self.num[..., None]  # else the largest value lies in the last bin
        return np.where(is_single, high, edges)

    def to_bytes(self) -> bytes:
        """Return the content of histograms.npz: a compressed archive without times, so that equal tables are equal."""
        import numpy as np

        archive = io.BytesIO()
        with ZipFile(archive, "w") as file:
            for name in array_names():
                one = io.BytesIO()
                np.lib.format.write_array(one, getattr(self, name), allow_pickle=False)
                file.writestr(ZipInfo(f"{name}.npy"), one.getvalue(), ZIP_DEFLATED)  # ZipInfo's time is always 1980
        return archive.getvalue()

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        """Read the content of histograms.npz.

        Raises:
            ValueError: It is no such archive, or its arrays do not fit together.
        """
        table = cls(**read_arrays(raw, KINDS))
        if any(getattr(table, name).ndim == 0 for name in ("steps", "names")):
            raise ValueError("steps or names that are no list")
        num_steps, num_tensors = len(table.steps), len(table.names)
        shapes: dict[str, tuple[int, ...]] = dict.fromkeys(array_names(), (num_steps, num_tensors))
        shapes |= {"steps": (num_steps,), "kinds": (num_tensors,), "names": (num_tensors,)}
        shapes["counts"] = (num_steps, num_tensors, NUM_BINS)
        for name, shape in shapes.items():
            if getattr(table, name).shape != shape:
                raise ValueError(f"{name} of shape {getattr(table, name).shape} instead of {shape}")
        return table


def array_names() -> list[str]:
    """Return the names of the arrays of histograms.npz, in order."""
    return [field.name for field in fields(HistogramTable)]


def read_histograms(run: Run) -> HistogramTable | None:
    """Read the histograms of a finished run, after checking the file's sha256.

    None for a run that recorded none, or is of a version that kept them in TensorBoard's file alone.

    Raises:
        RunFolderError: The file is missing, was changed, or is no such archive.
    """
    if not run.has_file(HISTOGRAMS_NPZ):
        return None
    try:
        return HistogramTable.from_bytes(run.raw(HISTOGRAMS_NPZ))
    except ValueError as error:
        rule, way_out = "must hold the arrays of a run's histograms", f"Delete {run.folder} and run its study again."
        raise RunFolderError(f"{run.folder / HISTOGRAMS_NPZ}: {rule}, got {error}. {way_out}") from None


def joined(tables: Sequence[HistogramTable]) -> HistogramTable:
    """Return one table of the steps of several, in order; a tensor that a step does not have gets no values there."""
    import numpy as np

    places: dict[tuple[str, str], int] = {}
    columns = [_columns(table, places) for table in tables]
    kinds, names = (np.array([key[i] for key in places], dtype=str) for i in (0, 1))
    known = {"steps": np.concatenate([table.steps for table in tables]), "kinds": kinds, "names": names}
    return HistogramTable(**known, **{name: _stacked(name, tables, columns, len(places)) for name in array_names()[3:]})


def _columns(table: HistogramTable, places: dict[tuple[str, str], int]) -> list[int]:
    """Return the place of each tensor of a table among all; new ones are added."""
    keys = zip(table.kinds.tolist(), table.names.tolist(), strict=True)
    return [places.setdefault(key, len(places)) for key in keys]


def _stacked(
    name: str, tables: Sequence[HistogramTable], columns: Sequence[Sequence[int]], num_tensors: int
) -> "NDArray[Any]":
    import numpy as np

    arrays = [getattr(table, name) for table in tables]
    if all(len(own) == num_tensors and list(own) == sorted(own) for own in columns):
        return np.concatenate(arrays)
    fill = np.nan if name in ("min", "max") else 0
    wide = []
    for array, own in zip(arrays, columns, strict=True):
        wide.append(np.full((len(array), num_tensors, *array.shape[2:]), fill, dtype=array.dtype))
        wide[-1][:, own] = array
    return np.concatenate(wide)
