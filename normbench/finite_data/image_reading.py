"""Reads all images of a folder into one array; all that is wrong with them is told at once."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from normbench.errors import DataError, SettingError
from normbench.findings import Finding, name_some
from normbench.finite_data.finite_rows import FLOAT32, SEEDS_IN_MEMORY
from normbench.finite_data.image_files import BadImageError, Image, read_image, read_mask
from normbench.finite_data.image_folders import MAX_LISTED, ImageFiles
from normbench.finite_data.image_rows import INT64
from normbench.finite_data.memory import too_large_text

Array = NDArray[Any]
Size = tuple[int, int]
Read = TypeVar("Read")
_TO_16_BITS = 257
_MEND, _ANEW = "Mend or remove it.", "Save it anew: rows x columns."


def read_pixels(files: ImageFiles, channels: int | None, size: Size | None) -> tuple[Array, list[Size], list[Finding]]:
    """Return all images, (N, C, H, W) uint8 or uint16, the size of each before it was resized, and findings.

    Raises:
        DataError: Some cannot be read, they differ in size or colours and it is not said what becomes of that, or they
            need too much memory.
    """
    images, mistakes = _read_all(files, files.images, lambda path: read_image(path, channels, size), _bytes_of_image)
    mistakes += _of_mixed(images, channels, size)
    if mistakes:
        raise DataError(mistakes)
    lost = sum(image.lost_bits for image in images)
    what = f"{lost:,} images have 16 bits per colour, of which 8 are read"
    findings = [Finding("warning", (), what, way_out="Save them as arrays: dataset: arrays.")] if lost else []
    return _stacked([image.pixels for image in images]), [image.size for image in images], findings


def read_masks(files: ImageFiles, size: Size | None) -> tuple[list[Array], list[Size]]:
    """Return the values of each mask, (H, W), and its size before it was resized.

    Raises:
        DataError: Some cannot be read, or they need too much memory.
    """
    masks, mistakes = _read_all(files, files.masks, lambda path: read_mask(path, size), _bytes_of_mask)
    if mistakes:
        raise DataError(mistakes)
    return [mask for mask, _ in masks], [shape for _, shape in masks]


def refuse_other_sizes(files: ImageFiles, images: Sequence[Size], masks: Sequence[Size]) -> None:
    """Refuse masks of another size than their images.

    Raises:
        DataError: With each of them.
    """
    mistakes = [
        SettingError("root", f"{files.name(path)} must have the size of its image, {_text(image)}", _text(mask), _ANEW)
        for path, image, mask in zip(files.masks, images, masks, strict=True)
        if image != mask
    ]
    if mistakes:
        raise DataError(_first(mistakes))


def _read_all(
    files: ImageFiles, paths: Sequence[Path], read: Callable[[Path], Read], num_bytes: Callable[[Read], int]
) -> tuple[list[Read], list[SettingError]]:
    """Return what is read of each file, and what is wrong with the others.

    Raises:
        DataError: All together need too much memory.
    """
    found, mistakes, largest = [], [], 0
    for path in paths:
        try:
            found.append(read(path))
        except BadImageError as error:
            mistakes.append(_bad(files.name(path), str(error)))
            continue
        if num_bytes(found[-1]) > largest:
            largest = num_bytes(found[-1])
            _refuse_too_large(largest, len(paths))
    return found, _first(mistakes)


def _first(mistakes: list[SettingError]) -> list[SettingError]:
    """Return the first mistakes, and the number of the others."""
    if len(mistakes) <= MAX_LISTED:
        return mistakes
    more = SettingError("root", "must hold images that can be used", f"{len(mistakes) - MAX_LISTED:,} more", _MEND)
    return [*mistakes[:MAX_LISTED], more]


def _bad(name: str, why: str) -> SettingError:
    return SettingError("root", "must hold images that can be used", f"{name}, which {why}", _MEND)


def _bytes_of_image(image: Image) -> int:
    return image.pixels.nbytes + SEEDS_IN_MEMORY * FLOAT32 * image.pixels.size


def _bytes_of_mask(mask: tuple[Array, Size]) -> int:
    """Return the memory that one mask needs: as it was read, and as classes of int64."""
    return mask[0].nbytes + SEEDS_IN_MEMORY * INT64 * mask[0].size


def _refuse_too_large(num_bytes: int, count: int) -> None:
    problem = too_large_text(num_bytes * count)
    if problem:
        got = f"{count:,} images of {num_bytes / 1e6:.1f} MB, as bytes and for {SEEDS_IN_MEMORY} seeds as float32"
        raise DataError([SettingError("size", problem, got, "Say a smaller size, such as size: [64, 64].")])


def _of_mixed(images: Sequence[Image], channels: int | None, size: Size | None) -> Iterator[SettingError]:
    """Refuse images of several kinds or sizes where it is not said what they become."""
    kinds, sizes = Counter(image.kind for image in images), Counter(image.size for image in images)
    if channels is None and len(kinds) > 1:
        got = name_some([f"{count:,} {kind}" for kind, count in kinds.most_common()])
        yield SettingError("channels", "must be said, the images are of several kinds", got, "Say 1, 3 or 4.")
    if size is None and len(sizes) > 1:
        got = name_some([f"{count:,} of {_text(one)}" for one, count in sizes.most_common()])
        way_out = f"Example: size: {list(min(sizes))}, rows and columns; their shape is not kept."
        yield SettingError("size", "must be said, the images differ", got, way_out)


def _stacked(arrays: Sequence[Array]) -> Array:
    """Join images; where some have 16 bits, bytes become so many."""
    if len({array.dtype for array in arrays}) > 1:
        arrays = [array.astype(np.uint16) * (_TO_16_BITS if array.dtype == np.uint8 else 1) for array in arrays]
    return np.stack(arrays)


def _text(size: Size) -> str:
    return f"{size[0]}x{size[1]}"
