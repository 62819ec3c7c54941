"""Reads all samples of a torch Dataset of the user's, and refuses one whose samples differ from call to call."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from normbench.errors import DataError, SettingError
from normbench.finite_data.memory import too_large_text
from normbench.own_code.error_lines import in_one_line
from normbench.own_code.source_folder import source_folder

Array = NDArray[Any]
EXAMPLE = "Example: def make(): return x, y"
_INPUTS, _TARGETS = "biuf", "biufU"  # kinds of numbers; a target may be text


def read_samples(dataset: Any, said: str) -> tuple[Array, Array]:
    """Return inputs and targets of all samples, each (x, y); the first is read twice.

    Args:
        dataset: Has a length and samples by number.
        said: The path that names its maker, for refusals.

    Raises:
        DataError: It has no length, a sample is no pair of numbers, or they differ in shape or from call to call.
    """
    count = told(lambda: len(dataset), said, "len() of what it returned", "A dataset of known length is needed.")
    if not count:
        raise refusal("must return a dataset with samples, it has none", said)
    first, again = (_sample(dataset, 0, said) for _ in range(2))
    if not all(map(_are_equal, first, again)):
        way_out = "Leave out random transforms: all samples are read once."
        raise refusal("must give the same sample each time, sample 0 read twice differs", said, way_out)
    problem = too_large_text(count * sum(one.nbytes for one in first))
    if problem:
        raise refusal(problem, said, "Use fewer or smaller samples.")
    samples = [first, *(_like(first, _sample(dataset, number, said), number, said) for number in range(1, count))]
    x, y = (np.stack(parts) for parts in zip(*samples, strict=True))
    return x, y


def as_array(value: Any) -> Array:
    """Return a tensor, an array, a number or text as an array; anything else as one of type object."""
    if isinstance(value, Tensor):
        value = (value if value.layout == torch.strided else value.to_dense()).detach().cpu()
        value = (value.float() if value.dtype == torch.bfloat16 else value).numpy()
    is_known = isinstance(value, np.ndarray | np.generic | bool | int | float | str)
    return np.asarray(value) if is_known else np.asarray(None, dtype=object)


def told(call: Callable[[], Any], said: str, what: str, way_out: str) -> Any:
    """Return what a call into the user's code returns; what goes wrong in it becomes one line."""
    try:
        return call()
    except (Exception, SystemExit) as error:
        raise refusal(
            f"must make data, {what} ended with {in_one_line(error, source_folder())}", said, way_out
        ) from error


def refusal(rule: str, said: str, way_out: str = EXAMPLE) -> DataError:
    """Return the refusal of what the user's code does."""
    return DataError([SettingError("source", rule, said, way_out)])


def _sample(dataset: Any, number: int, said: str) -> tuple[Array, Array]:
    sample = told(lambda: dataset[number], said, f"reading sample {number}", "Try it in Python.")
    if not isinstance(sample, tuple | list) or len(sample) != 2:
        raise refusal(f"must give samples (x, y), sample {number} is a {type(sample).__name__}", said)
    x, y = (as_array(part) for part in sample)
    if x.dtype.kind not in _INPUTS or y.dtype.kind not in _TARGETS:
        types = ", ".join(type(part).__name__ for part in sample)
        raise refusal(f"must give samples of numbers, sample {number} is ({types})", said, "Turn images into tensors.")
    return x, y


def _like(first: tuple[Array, Array], sample: tuple[Array, Array], number: int, said: str) -> tuple[Array, Array]:
    """Return a sample that has the shapes and types of the first."""
    for one, other in zip(first, sample, strict=True):
        if (one.shape, _type_of(one)) != (other.shape, _type_of(other)):
            has, had = (f"{part.shape} {part.dtype}" for part in (other, one))
            rule = f"must give samples of one shape and type, sample {number} has {has}, sample 0 {had}"
            raise refusal(rule, said, "Crop, pad or convert them.")
    return sample


def _type_of(array: Array) -> str:
    return "text" if array.dtype.kind == "U" else str(array.dtype)


def _are_equal(one: Array, other: Array) -> bool:
    return np.array_equal(one, other, equal_nan=one.dtype.kind == "f")
