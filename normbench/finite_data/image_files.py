"""Reads image files as arrays of channels, as they are seen; says what is wrong with a file in a few words."""

import warnings
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from normbench.errors import DataError, SettingError
from normbench.storage.files.reading import open_regular

Array = NDArray[Any]
INSTALL = "pip install pillow"
MODES = {1: "L", 3: "RGB", 4: "RGBA"}
"""Pillow's names of what ``channels`` may ask for."""
_WORDS = {
    "1": "grey",
    "L": "grey",
    "LA": "grey with alpha",
    "RGB": "RGB",
    "RGBA": "RGBA",
    "CMYK": "CMYK",
    "I;16": "16-bit grey",
}
_MAX_16_BIT = 2**16 - 1


class BadImageError(Exception):
    """A file that is no image, or none that can be used; the text says why."""


@dataclass(frozen=True, eq=False)
class Image:
    """One image.

    Attributes:
        pixels: (C, H, W) uint8, or uint16 of 16-bit images.
        kind: What the file holds: grey, RGB, RGBA ...
        size: (rows, columns) as it is seen, before it was resized.
        lost_bits: Whether it has 16 bits per colour, of which 8 were read.
    """

    pixels: Array
    kind: str
    size: tuple[int, int]
    lost_bits: bool = False


def require_pillow(said: str) -> None:
    """Refuse where Pillow is not installed.

    Raises:
        DataError: With the command that installs it.
    """
    if find_spec("PIL") is None:
        raise DataError([SettingError("name", "needs Pillow, which reads images", said, f"Install it: {INSTALL}")])


def read_image(path: Path, channels: int | None, size: tuple[int, int] | None) -> Image:
    """Read an image, turned as its EXIF data say.

    Args:
        path: The file.
        channels: 1, 3 or 4; None for what it has.
        size: (rows, columns) to resize it to, by bilinear interpolation; None leaves it.

    Raises:
        BadImageError: It cannot be read.
    """
    opened = _open(path)
    lost_bits = opened.mode in ("RGB", "RGBA") and ";16" in str(getattr(opened, "seen_tile", ""))
    image = _plain(opened)
    kind, seen = _WORDS[image.mode], (image.height, image.width)
    if image.mode == "I;16":
        pixels = _sixteen_bits(image, size)
        return Image(np.repeat(pixels[None], channels or 1, axis=0), kind, seen)
    image = image.convert(MODES[channels]) if channels else image
    image = image.resize(size[::-1], _pillow().Resampling.BILINEAR) if size else image
    pixels = np.asarray(image, dtype=np.uint8)
    return Image(pixels[None] if pixels.ndim == 2 else np.moveaxis(pixels, 2, 0), kind, seen, lost_bits)


def read_mask(path: Path, size: tuple[int, int] | None) -> tuple[Array, tuple[int, int]]:
    """Return a mask's values, (H, W), and its size before it was resized to that of the nearest pixels.

    A value is the number in a grey image, or the number of the colour in a palette.

    Raises:
        BadImageError: It cannot be read, or has colours without a palette, or is a JPEG, which changes values.
    """
    opened = _open(path)
    if opened.format == "JPEG":
        raise BadImageError("is a JPEG, which changes the values of pixels; save masks as PNG")
    if opened.mode not in ("1", "L", "P", "I", "I;16", "I;16B", "I;16L"):
        raise BadImageError(f"is {_WORDS.get(opened.mode, opened.mode)}, and must be grey or have a palette")
    values = np.asarray(opened)
    values = values.astype(np.uint8) if values.dtype == bool else values
    if not np.issubdtype(values.dtype, np.integer) or values.min() < 0 or values.max() > _MAX_16_BIT:
        raise BadImageError("must have values from 0 to 65,535")
    return (values if size is None else values[np.ix_(*map(_nearest, values.shape, size))]), values.shape


def _nearest(old: int, new: int) -> Array:
    """Return the places, in an axis of old pixels, of the nearest to the centres of new ones."""
    return ((np.arange(new) + 0.5) * old / new).astype(np.int64)


def _open(path: Path) -> Any:
    """Open and decode a file, turn it as EXIF says; every way to fail becomes a few words."""
    pillow, ops = _pillow(), import_module("PIL.ImageOps")
    try:
        with warnings.catch_warnings(), open_regular(path) as file:
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", pillow.DecompressionBombWarning)
            image = pillow.open(file)
            tile = list(getattr(image, "tile", ()))
            _refuse_several(image)
            image.load()
            format_name, turned = image.format, ops.exif_transpose(image)
            turned.format, turned.seen_tile = format_name, tile
            return turned
    except BadImageError:
        raise
    except (pillow.DecompressionBombWarning, pillow.DecompressionBombError):
        raise BadImageError(f"has more than {pillow.MAX_IMAGE_PIXELS:,} pixels, the limit of Pillow") from None
    except Exception as error:  # noqa: BLE001 - Pillow fails in many ways on damaged files
        raise BadImageError(_why(error)) from None


def _refuse_several(image: Any) -> None:
    if getattr(image, "n_frames", 1) > 1:
        raise BadImageError(f"holds {image.n_frames} images")


def _why(error: Exception) -> str:
    """Say in a few words why a file cannot be read."""
    if type(error).__name__ == "UnidentifiedImageError":
        return "is no image that Pillow knows"
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return f"cannot be read: {' '.join(str(text).split())[:100]}"


def _plain(image: Any) -> Any:
    """Return an image in one of the modes that have words here: palettes, YCbCr and others as RGB."""
    mode = image.mode
    if mode in ("I", "I;16", "I;16B", "I;16L", "I;16N"):
        return _as_sixteen_bits(image)
    if mode in ("P", "PA"):
        return image.convert("RGBA" if mode == "PA" or "transparency" in image.info else "RGB")
    if mode in _WORDS:
        return image.convert("L") if mode == "1" else image
    if mode == "F":
        raise BadImageError("has fractions as pixels; save them as 8 or 16 bits, or as arrays: dataset: arrays")
    with suppress(ValueError):
        return image.convert("RGB")
    raise BadImageError(f"has pixels of the mode {mode}, which is not RGB or grey")


def _as_sixteen_bits(image: Any) -> Any:
    values = np.asarray(image).astype(np.int64)
    if values.min() < 0 or values.max() > _MAX_16_BIT:
        raise BadImageError("has pixels outside of 0 to 65,535; save them as arrays: dataset: arrays")
    return _pillow().fromarray(values.astype(np.uint16))


def _sixteen_bits(image: Any, size: tuple[int, int] | None) -> Array:
    values: Array = np.asarray(image).astype(np.uint16)
    if size is None:
        return values
    resized: Any = _pillow().fromarray(values.astype(np.float32)).resize(size[::-1], _pillow().Resampling.BILINEAR)
    clipped: Array = np.clip(np.rint(np.asarray(resized)), 0, _MAX_16_BIT)
    return clipped.astype(np.uint16)


def _pillow() -> Any:
    return import_module("PIL.Image")
