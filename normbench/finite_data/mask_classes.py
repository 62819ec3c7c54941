"""Turns the values in masks into classes: those that are declared, or all that there are, sorted."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from normbench.errors import DataError, SettingError
from normbench.findings import Finding, name_some

Array = NDArray[Any]
Counts = Mapping[int, int]
"""Number of pixels by their value."""
MAX_VALUES = 64
"""Different values that are taken for classes without being declared."""
OFTEN_IGNORED = 255
NOT_COUNTED = 255
"""The byte of a pixel that does not count."""
MAX_CLASSES = 255


def classes_of_masks(
    values: Sequence[Array], declared: Sequence[int] | None, ignore: int | None, name: Callable[[int], str]
) -> tuple[Array, tuple[str, ...], list[Finding]]:
    """Return the class of each pixel as a byte, 255 where it does not count, the classes' names, and findings.

    Args:
        values: Each mask as it was read, (H, W).
        declared: The values of the classes, in the order of their numbers; None takes all that there are, sorted.
        ignore: The value of pixels that do not count; None where all count.
        name: Returns the name of a mask's file by its number.

    Raises:
        DataError: There are too many values, others than were declared, or masks without a pixel that counts.
    """
    by_mask = [
        dict(zip(*(one.tolist() for one in np.unique(mask, return_counts=True)), strict=True)) for mask in values
    ]
    found = sorted({value for one in by_mask for value in one if value != ignore})
    classes = list(declared) if declared else found
    mistakes = [*_unknown(by_mask, classes, ignore, name), *_wrong_number(classes, declared)]
    mistakes += _nothing_counts(by_mask, ignore, name)
    if mistakes:
        raise DataError(mistakes)
    table = np.full(max([*classes, *([] if ignore is None else [ignore])]) + 1, NOT_COUNTED, dtype=np.uint8)
    table[classes] = np.arange(len(classes), dtype=np.uint8)
    return np.stack([table[mask] for mask in values]), tuple(map(str, classes)), _findings(by_mask, classes, declared)


def _counts(mask: Array) -> Counts:
    values, counts = np.unique(mask, return_counts=True)
    return dict(zip(values.tolist(), counts.tolist(), strict=True))


def _unknown(
    by_mask: Sequence[Counts], classes: Sequence[int], ignore: int | None, name: Callable[[int], str]
) -> list[SettingError]:
    known = {*classes, *([] if ignore is None else [ignore])}
    for number, found in enumerate(by_mask):
        others = [str(value) for value in found if value not in known]
        if others:
            got = f"{name_some(others)} in {name(number)}"
            return [SettingError("mask_values", f"must hold every value of the masks, {list(classes)}", got, "Add it.")]
    return []


def _wrong_number(classes: Sequence[int], declared: Sequence[int] | None) -> list[SettingError]:
    if len(classes) < 2:
        rule = "masks must hold two values or more"
        return [
            SettingError("mask_values", rule, list(classes), "Each value is a class; one of them may be background.")
        ]
    if not declared and len(classes) > MAX_VALUES:
        rule = f"must be said where masks hold more than {MAX_VALUES} values"
        return [
            SettingError("mask_values", rule, f"{len(classes):,} values", "Smoothed or compressed masks have many.")
        ]
    return []


def _nothing_counts(by_mask: Sequence[Counts], ignore: int | None, name: Callable[[int], str]) -> list[SettingError]:
    empty = [name(number) for number, found in enumerate(by_mask) if list(found) == [ignore]]
    rule = "must leave a pixel that counts in every mask"
    return [SettingError("ignore", rule, f"none in {name_some(empty)}", "Remove these.")] if empty else []


def _findings(by_mask: Sequence[Counts], classes: Sequence[int], declared: Sequence[int] | None) -> list[Finding]:
    """Say which value is which class and how many pixels each has; ask whether 255 is a class."""
    counts = [sum(found.get(value, 0) for found in by_mask) for value in classes]
    shares = [100 * count / sum(counts) for count in counts]
    shown = [f"{value} ({share:.3g} % of the pixels)" for value, share in zip(classes, shares, strict=True)]
    found = [Finding("note", (), f"the classes of pixels are the values {name_some(shown)}")]
    if not declared and len(classes) > 2 and classes[-1] == OFTEN_IGNORED and classes[-2] < OFTEN_IGNORED - 1:
        what = f"{OFTEN_IGNORED} is taken for a class of masks, as which it often means that a pixel does not count"
        found.append(Finding("warning", (), what, way_out=f"Say dataset.ignore: {OFTEN_IGNORED}, or mask_values."))
    return found
