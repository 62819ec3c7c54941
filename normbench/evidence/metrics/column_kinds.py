"""What a column's name says of its numbers: which way is better, and whether effects are ratios."""

from typing import Literal

from normbench.storage.own_metric import own_metric_of

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
    if own := own_metric_of(column):
        return own.better
    if is_accuracy_column(column):
        return "higher"
    return "lower" if "loss" in column or column.endswith("roughness") else None


def is_accuracy_column(column: str) -> bool:
    """Return whether a column holds accuracies, or overlaps of masks: shares from 0 to 1."""
    if own := own_metric_of(column):
        return own.is_share
    return "@" not in column and column.endswith(SHARES)


def perfect_value(column: str) -> float | None:
    """Return what a model that makes no error has; None where that is not known.

    Example:
        >>> perfect_value("test_accuracy"), perfect_value("test_loss"), perfect_value("weight.std@hidden1")
        (1.0, 0.0, None)
    """
    own = own_metric_of(column)
    if own and not own.is_share:
        return None
    return {"higher": 1.0, "lower": 0.0, None: None}[column_direction(column)]


def has_ratios(column: str) -> bool:
    """Return whether effects on a column are ratios: of losses, of roughness, of what is known of a loss surface."""
    if own_metric_of(column):
        return False
    if column.removeprefix("probe.").partition("@")[0] in SURFACE_PROBES:
        return True
    return "@" not in column and ("loss" in column or column == "roughness")
