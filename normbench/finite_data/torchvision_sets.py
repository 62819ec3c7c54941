"""Reads the datasets that torchvision knows, such as CIFAR10, as bytes with their classes."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from normbench.errors import DataError, SettingError, did_you_mean
from normbench.finite_data.memory import too_large_text
from normbench.own_code.error_lines import in_one_line

CHANNELS = (1, 3, 4)
PARTS = {"train": (True, "train"), "test": (False, "test")}
"""What a set is called with for each part: ``train=``, or else ``split=``."""


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Images (N, C, H, W) of uint8, and their classes (N,), of one part of a set."""

    x: NDArray[Any]
    classes: NDArray[np.int64]
    class_names: tuple[str, ...]


def find_set(name: str) -> Callable[..., Any]:
    """Return torchvision's class of a set.

    Raises:
        DataError: torchvision is missing or does not go with torch, or has no such set.
    """
    try:
        home = import_module("torchvision.datasets")
    except (ImportError, RuntimeError, OSError) as error:
        raise DataError([_not_imported(error)]) from None
    known = [key for key, one in vars(home).items() if isinstance(one, type) and hasattr(one, "__getitem__")]
    if name not in known:
        way_out = did_you_mean(name, known).strip() or "Names are those of torchvision.datasets, such as CIFAR10."
        raise DataError([SettingError("set", "must be a dataset of torchvision", name, way_out)])
    found: Callable[..., Any] = getattr(home, name)
    return found


def _not_imported(error: Exception) -> SettingError:
    if isinstance(error, ModuleNotFoundError) and error.name == "torchvision":
        return SettingError("name", "needs torchvision", "torchvision", "Install it from the index that torch is from.")
    try:
        installed = version("torchvision")
    except PackageNotFoundError:
        installed = "of an unknown version"
    rule = f"torchvision {installed} does not match torch {torch.__version__}: {(str(error).splitlines() or [''])[0]}"
    return SettingError("name", rule, "torchvision", "Install both from one index.")


def parts_of(make: Callable[..., Any]) -> tuple[str, ...]:
    """Return the parts in which a set comes: train and test; none where it is one whole."""
    return tuple(PARTS) if {"train", "split"} & set(inspect.signature(make).parameters) else ()


def read_part(make: Callable[..., Any], part: str, root: Path, *, download: bool) -> ImageSet:
    """Read one part of a set, or with "" all of it; only with ``download`` is anything fetched.

    Raises:
        DataError: It is not there, or holds no images of one size with one class each.
    """
    taken = inspect.signature(make).parameters
    by_name, by_split = PARTS.get(part, (None, None))
    chosen = {"train": by_name} if part and "train" in taken else {"split": by_split} if part else {}
    may = {"download": download} if "download" in taken else {}
    name = getattr(make, "__name__", str(make))
    try:
        found = make(root=str(root), **chosen, **may)
        return _as_images(found)
    except DataError:
        raise
    except Exception as error:  # noqa: BLE001 - each set raises what it likes
        rule = f"must hold {name}, reading it ended with {in_one_line(error)}"
        raise DataError([SettingError("root", rule, str(root), "To fetch it set download: true.")]) from None


def _as_images(found: Any) -> ImageSet:
    x, y = getattr(found, "data", None), getattr(found, "targets", getattr(found, "labels", None))
    if not isinstance(x, np.ndarray | torch.Tensor) or y is None:
        x, y = _one_by_one(found)
    pixels, classes = np.asarray(x), np.asarray(y)
    if pixels.dtype != np.uint8 or pixels.ndim not in (3, 4) or classes.shape != (len(pixels),):
        rule = "must be a set of images of one size, with one class each"
        got = f"{pixels.dtype} {pixels.shape} with targets {classes.shape}"
        raise DataError([SettingError("set", rule, got, "Use dataset: own.")])
    names = tuple(map(str, getattr(found, "classes", ()))) or tuple(map(str, range(int(classes.max()) + 1)))
    return ImageSet(_channels_first(pixels), classes.astype(np.int64), names)


def _one_by_one(found: Any) -> tuple[NDArray[Any], NDArray[Any]]:
    """Read a set's images from their files, if they fit into memory."""
    first = np.asarray(found[0][0])
    if problem := too_large_text(float(first.nbytes) * len(found)):
        raise DataError([SettingError("set", problem, type(found).__name__, "Use fewer or smaller images.")])
    samples = [found[place] for place in range(len(found))]
    if any(np.asarray(image).shape != first.shape for image, *_ in samples):
        return np.empty(0), np.empty(0)
    return np.stack([np.asarray(image) for image, *_ in samples]), np.array([target for _, target, *_ in samples])


def _channels_first(pixels: NDArray[Any]) -> NDArray[Any]:
    if pixels.ndim == 3:
        return pixels[:, None]
    is_last = pixels.shape[-1] in CHANNELS and pixels.shape[1] not in CHANNELS
    return np.ascontiguousarray(np.moveaxis(pixels, -1, 1)) if is_last else pixels
