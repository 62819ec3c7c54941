"""Brings the axes of input arrays into the order that networks take, (N, C, *), as it is told or seen."""

from math import prod
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from normbench.errors import SettingError
from normbench.parts import MAX_SIZE

Layout = Literal["channels_first", "channels_last", "no_channels"]
MAX_CHANNELS = 4
"""An axis of that length may be colours; where exactly one end of an image's axes is one, it is taken for it."""
_WORDS = {
    "channels_first": "(N, C, *)",
    "channels_last": "(N, *, C)",
    "no_channels": "(N, *), such as grey images (N, H, W)",
}


def with_channels(x: NDArray[Any], layout: Layout | None) -> NDArray[Any]:
    """Return inputs as (N, F), or as (N, C, *) where rows have axes.

    Args:
        x: (N,), (N, F), or rows of several axes.
        layout: Where the channels are; None where it is to be seen from the lengths.

    Raises:
        SettingError: The layout must be said, or is said of rows without axes; or x has no rows or numbers.
    """
    shape = x.shape
    if x.ndim == 0 or not prod(shape):
        raise SettingError("file", "x must hold rows of numbers", f"the shape {shape}", "Save (N, F) or (N, C, H, W).")
    if x.ndim <= 2:
        if layout:
            raise SettingError("layout", f"has no meaning for x of shape {shape}", layout, "Leave it out.")
        return _narrow(x.reshape(len(x), -1))
    found = layout or _seen(shape)
    if found is None:
        ways = ", ".join(f"{name} {axes}" for name, axes in _WORDS.items())
        raise SettingError("layout", f"must be said for x of shape {shape}", None, f"One of {ways}.")
    moved = {"channels_first": x, "channels_last": np.moveaxis(x, -1, 1), "no_channels": x[:, None]}[found]
    return np.ascontiguousarray(moved)


def _seen(shape: tuple[int, ...]) -> Layout | None:
    """Return the layout of images where only one end can be colours."""
    first, last = (shape[axis] <= MAX_CHANNELS for axis in (1, -1))
    if len(shape) < 4 or first == last:
        return None
    return "channels_first" if first else "channels_last"


def _narrow(x: NDArray[Any]) -> NDArray[Any]:
    if x.shape[1] > MAX_SIZE:
        raise SettingError("file", f"x must have at most {MAX_SIZE:,} features", x.shape[1], "Leave some out.")
    return x
