"""What a column's name says of its numbers: which way is better, and whether effects are ratios."""

from typing import Literal

Direction = Literal["higher", "lower"]
SURFACE_PROBES = ("loss_variation", "gradient_predictiveness", "smoothness")
"""Sizes along the weight gradient, of any order of magnitude."""
SHARES = ("accuracy", "dice", "iou")
"""Last words of columns from 0 to 1, of which more is better; Dice and IoU are overlaps of masks."""


def column_direction(column: str) -> Direction | None:
    """Return which way is better; None where neither is.

    Example:
        >>> [column_direction(column) for column in ("test_accuracy", "test_dice", "test_loss", "weight.std@hidden1")]
        ['higher', 'higher', 'lower', None]
    """
    if "@" in column:
        return None
    if is_accuracy_column(column):
        return "higher"
    return "lower" if "loss" in column or column.endswith("roughness") else None


def is_accuracy_column(column: str) -> bool:
    """Return whether a column holds accuracies, or overlaps of masks: shares from 0 to 1."""
    return "@" not in column and column.endswith(SHARES)


def has_ratios(column: str) -> bool:
    """Return whether effects on a column are ratios: of losses, of roughness, of what is known of a loss surface."""
    if column.removeprefix("probe.").partition("@")[0] in SURFACE_PROBES:
        return True
    return "@" not in column and ("loss" in column or column == "roughness")
