"""Checks arrays before they are taken for inputs and targets: types, missing numbers, no labels."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from normbench.errors import DataError, SettingError
from normbench.findings import Finding
from normbench.finite_data.array_files import as_native, is_numeric
from normbench.finite_data.array_layout import Layout, with_channels
from normbench.finite_data.row_kinds import Numbers
from normbench.finite_data.targets import Targets, TargetTask, class_targets, number_targets, task_of

Array = NDArray[Any]
_EXACT = 2**24
"""Whole numbers above are no float32."""


def checked_inputs(x: Array, layout: Layout | None, name: str = "x") -> Array:
    """Return inputs as (N, F) or (N, C, *), all finite numbers.

    Raises:
        DataError: They are no numbers, some are missing, or their layout must be said.
    """
    if not is_numeric(x):
        raise DataError([SettingError("file", f"{name} must hold numbers", str(x.dtype), "Save numbers.")])
    _refuse_not_finite(x, name)
    try:
        return as_native(with_channels(x, layout))
    except SettingError as error:
        raise DataError([error]) from None


def cast_findings(x: Array, name: str = "x") -> tuple[Finding, ...]:
    """Say that numbers of another type become float32, once they are standardized."""
    if x.dtype.kind == "b" or x.dtype.itemsize < 4 or x.dtype == np.float32:
        return ()
    what = f"{name} is {x.dtype}: a network gets it as float32, after it is standardized as it is"
    is_inexact = x.dtype.kind in "iu" and bool(len(x)) and int(np.abs(x).max()) > _EXACT
    return (Finding("warning" if is_inexact else "note", (), what, way_out="Codes and ids are no inputs."),)


def checked_targets(y: Array, task: TargetTask | None, name: str = "y") -> Targets:
    """Return targets as classes (N,) or numbers (N, targets).

    Raises:
        DataError: The task must be said, labels are no labels, or there is only one.
    """
    is_text = y.dtype.kind in "US"
    if not is_text and not is_numeric(y):
        raise DataError([SettingError("file", f"{name} must hold numbers or text", str(y.dtype), "Save labels.")])
    if y.ndim > 2 or (y.ndim == 2 and is_text and y.shape[1] != 1):
        rule = f"{name} must have the shape (N,), or (N, targets) in regression"
        raise DataError([SettingError("file", rule, str(y.shape), "Save one target per row.")])
    flat = np.char.decode(y, "utf-8", "replace").ravel() if y.dtype.kind == "S" else y.reshape(len(y), -1)
    if not is_text:
        _refuse_not_finite(y, name)
    try:
        kind = task_of(task, len(np.unique(flat)), is_text=is_text)
        return _classes(flat, name) if kind == "classification" else number_targets(flat.astype(np.float64), name)
    except SettingError as error:
        raise DataError([error]) from None


def _classes(y: Array, name: str) -> Targets:
    if y.ndim == 2 and y.shape[1] != 1:
        rule = f"{name} must have one class per row in classification"
        raise SettingError("file", rule, f"the shape {y.shape}", "Of one-hot labels save y.argmax(1).")
    if y.dtype.kind == "f" and bool((y != np.round(y)).any()):
        first = y[y != np.round(y)][0]
        raise SettingError("task", f"must be regression, {name} has fractions such as {first:g}", "classification", "")
    return class_targets(y.astype(np.int64) if y.dtype.kind in "fb" else y)


def checked_groups(groups: Array | None) -> Numbers | None:
    """Return groups as numbers, whatever names them."""
    if groups is None:
        return None
    if groups.ndim != 1 and groups.shape[1:] != (1,):
        rule = "group must have one value per row"
        raise DataError([SettingError("file", rule, f"the shape {groups.shape}", "Save (N,).")])
    if groups.dtype.kind == "f":
        _refuse_not_finite(groups, "group")
    return np.unique(groups.ravel(), return_inverse=True)[1].astype(np.int64)


def _refuse_not_finite(array: Array, name: str) -> None:
    """Refuse nan and inf; say how many and where the first is."""
    if array.dtype.kind != "f":
        return
    per_row = np.fromiter((int((~np.isfinite(row)).sum()) for row in array), dtype=np.int64, count=len(array))
    if per_row.any():
        row = int(np.flatnonzero(per_row)[0])
        rule = f"{name} must hold finite numbers, {int(per_row.sum()):,} are nan or infinite"
        raise DataError([SettingError("file", rule, f"the first in row {row} of {len(array):,}", "Fill or leave out.")])
