"""Loads the data sets that scikit-learn brings along, without net; says how to install it where it is missing."""

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

from normbench.errors import DataError, SettingError
from normbench.finite_data.array_rows import ArrayRows
from normbench.finite_data.row_kinds import RowKinds
from normbench.finite_data.targets import Targets, TargetTask
from normbench.own_code.error_lines import in_one_line

INSTALL = "pip install scikit-learn"


def load_bundled(name: str, function: str, **settings: Any) -> Any:
    """Return what a loader of scikit-learn returns: data, target, names.

    Args:
        name: The dataset's name in YAML, for the refusal.
        function: The loader's name in ``sklearn.datasets``.
        settings: What it is called with.

    Raises:
        DataError: scikit-learn is not installed, or not whole.
    """
    if find_spec("sklearn") is None:
        rule = "needs scikit-learn, which brings these data along"
        raise DataError([SettingError("name", rule, name, f"Install it: {INSTALL}")])
    try:
        loader: Callable[..., Any] = getattr(import_module("sklearn.datasets"), function)
    except ImportError as error:
        rule = f"needs scikit-learn, whose import ended with {in_one_line(error)}"
        raise DataError([SettingError("name", rule, name, f"Install it again: {INSTALL}")]) from None
    return loader(**settings)


def bundled_table(name: str, task: TargetTask, *, standardize_target: bool = True, **settings: Any) -> ArrayRows:
    """Return one of scikit-learn's tables as rows.

    Args:
        name: The dataset's name in YAML, as in the loader's.
        task: What its target is.
        standardize_target: Whether the target of regression is standardized by the training rows.
        settings: What the loader is called with.
    """
    found = load_bundled(name, f"load_{name}", **settings)
    x = np.ascontiguousarray(found.data)
    if task == "regression":
        targets = Targets(task, found.target.astype(np.float64).reshape(len(x), 1))
    else:
        targets = Targets(task, found.target.astype(np.int64), tuple(map(str, found.target_names)))
    kinds = RowKinds(len(x), targets.classes)
    return ArrayRows(kinds, targets.class_names, x=x, targets=targets, standardize_target=standardize_target)
