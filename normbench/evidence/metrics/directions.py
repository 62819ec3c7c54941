"""Which way of a metric is better: higher, lower, or neither."""

from typing import Literal

Direction = Literal["higher", "lower"]


def direction(metric: str) -> Direction | None:
    """Return which way is better; None where neither is."""
    if metric.startswith("steps_to"):
        return "lower"
    if "@" in metric or metric.startswith(("change", "depth_slope")):
        return None
    if metric.endswith("accuracy"):
        return "higher"
    return "lower" if "loss" in metric or metric.endswith("roughness") else None


def better_way(metric: str) -> Direction | None:
    """Return which way is better, of a change the way of what changes; None where neither is.

    Example:
        >>> better_way("change test_accuracy"), better_way("change weight.std@hidden1")
        ('higher', None)
    """
    return direction(metric.rsplit(maxsplit=1)[-1]) if metric.startswith("change ") else direction(metric)
