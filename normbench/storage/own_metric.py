"""Keeps what the arms that were read say of their own metric, by which its columns are judged and told.

The name of a column says which way is better, but for ``test_NAME`` of a metric of the user's own: for these the arms'
settings say it. What was read last counts, and arms that are read together must agree.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from normbench.errors import ComparisonError

NAME, BETTER, SHARE = "metric", "metric.better", "metric.share"
RESERVED = ("loss", "accuracy", "balanced_accuracy", "dice", "iou", "style_loss", "content_loss")
"""Last words of normbench's own columns of a split."""
_OF_A_SPLIT = re.compile(r"(?:.+?_)?(?:train|validation|test)_(?P<name>.+)")
"""A column of a split, after the way of reading it: test_NAME, reestimated_test_NAME."""


@dataclass(frozen=True)
class OwnMetricKind:
    """Which way of an own metric is better, and whether it lies between 0 and 1."""

    better: Literal["higher", "lower"]
    is_share: bool = False

    def __str__(self) -> str:
        """Return the settings."""
        return f"better: {self.better}{', share: true' * self.is_share}"


_KNOWN: dict[str, OwnMetricKind] = {}


def declare_own_metrics(settings: Iterable[Mapping[str, Any]], where: str) -> None:
    """Note the own metrics of arms that are read together.

    Args:
        settings: Each arm's settings by dotted key.
        where: What is read, for the message.

    Raises:
        ComparisonError: Two arms have a metric of the same name and of another kind.
    """
    found: dict[str, OwnMetricKind] = {}
    for of_arm in settings:
        name, better = of_arm.get(NAME), of_arm.get(BETTER)
        if isinstance(name, str) and name not in ("", *RESERVED) and better in ("higher", "lower"):
            kind = OwnMetricKind(better, bool(of_arm.get(SHARE)))
            if found.setdefault(name, kind) != kind:
                rule = f"metric {name}: must have the same better and share in all arms, got {found[name]} and {kind}"
                raise ComparisonError(f"{where}: {rule}. Give one of them another name, or compare them apart.")
    _KNOWN.update(found)


def own_metric_of(column: str) -> OwnMetricKind | None:
    """Return the kind of a column ``test_NAME`` of an own metric; None for any other column."""
    found = _OF_A_SPLIT.fullmatch(column) if _KNOWN else None
    return _KNOWN.get(found["name"]) if found else None
