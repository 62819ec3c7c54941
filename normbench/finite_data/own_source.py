"""Calls the user's own code for data, and takes what it returns: arrays, or torch datasets."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from normbench.finite_data.named_arrays import Rows, read_rows
from normbench.finite_data.own_samples import as_array, read_samples, refusal, told
from normbench.random_streams import seeded_globally

Array = NDArray[Any]
KEYS = ("x", "y", "group")
_RETURNS = "must return arrays (x, y), a mapping of arrays, or a torch Dataset"


def call_source(make: Any, settings: Mapping[str, Any], said: str) -> Rows:
    """Return the rows of what a callable returns: (x, y), a mapping of arrays by name, or a torch Dataset.

    Args:
        make: What the study file names.
        settings: Its arguments, by name.
        said: The path that names it, for refusals.

    Raises:
        DataError: It fails, or returns something else.
    """
    if not callable(make):
        raise refusal(f"must be a function or class that makes data, it is a {type(make).__name__}", said)
    with seeded_globally(0):
        made = told(lambda: make(**settings), said, "calling it", "Its arguments stand under dataset.settings.")
        if isinstance(made, tuple | list) and len(made) == 2 and all(map(_is_array, made)):
            made = dict(zip(KEYS, made, strict=False))
        found = _readers(made if isinstance(made, Mapping) else {"": made}, said)
        return read_rows(found, KEYS[:2], KEYS[2:])


def _readers(made: Mapping[Any, Any], said: str) -> dict[str, Callable[[], Array]]:
    """Return what reads each array; a torch dataset has two, named x and y, and train or test if it is named so."""
    found: dict[str, Callable[[], Array]] = {}
    for name, value in made.items():
        if _is_array(value) and name != "":
            found[str(name)] = _reader(value)
        elif _is_dataset(value) and not _is_array(value):
            pair = zip(KEYS, read_samples(value, said), strict=False)
            found |= {f"{key}_{name}".rstrip("_"): _reader(array) for key, array in pair}
        else:
            where = f" under {name!r}" if name else ""
            raise refusal(f"{_RETURNS}, it returned a {_kind(value)}{where}", said)
    return found


def _kind(value: Any) -> str:
    """Return a value's type, of a tuple or list also those in it: one may be no array."""
    inside = [type(one).__name__ for one in value[:4]] if isinstance(value, tuple | list) else []
    more = ", ..." if inside and len(value) > len(inside) else ""
    return type(value).__name__ + (f" of ({', '.join(inside)}{more})" if inside else "")


def _is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray | Tensor)


def _is_dataset(value: Any) -> bool:
    return hasattr(value, "__getitem__") and not isinstance(value, tuple | list | str | bytes | Mapping)


def _reader(value: Any) -> Callable[[], Array]:
    return lambda: as_array(value)
