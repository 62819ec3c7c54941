"""Writes one value of a table as text: a number, the figure of an arm, or what a column shows of an effect."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

from normbench.evidence.comparison.rows import SeedSummary
from normbench.evidence.metrics.directions import direction
from normbench.evidence.statistics.paired_effect import Effect
from normbench.report.blocks.effect_text import (
    effect_text,
    new_effect_text,
    new_verdict_text,
    verdict_text,
    verdict_word,
)
from normbench.report.blocks.numbers import diverged_mark, interval_text, metric_value, with_spread


def better_seeds_text(effect: Effect) -> str:
    """Return in how many seeds the arm is better, or higher where neither way is; "-" where nothing was measured."""
    if math.isnan(effect.value):
        return "-"
    return f"{effect.num_seeds_on(direction(effect.metric) or 'higher')} of {effect.n}"


EFFECT_TEXTS: dict[str, Callable[[Effect], str]] = {
    "verdict": verdict_text,
    "verdict_word": verdict_word,
    "points": partial(effect_text, with_unit=False),
    "better_seeds": better_seeds_text,
    "new_interval": new_effect_text,
    "new_points": partial(new_effect_text, is_whole=True),
    "new_verdict": new_verdict_text,
}
"""What a column of effects may show of them beside the effect itself, by the column's ``what``."""


def value_text(value: Any, what: str = "", *, with_interval: bool = False) -> str:
    """Return one value of a table as text.

    Args:
        value: A value of a ``Column``.
        what: The column's metric, or which text of an effect it holds, of EFFECT_TEXTS.
        with_interval: Whether to add the 95 % interval of a mean over seeds.

    Example:
        >>> value_text(0.9815, "test_accuracy"), value_text(61610), value_text((6, 3, 5, 5)), value_text(None)
        ('98.2 %', '61,610', '6x3x5x5', '-')
    """
    match value:
        case SeedSummary():
            spread = with_spread(what, value.mean, value.std) + diverged_mark(value)
            return f"{spread} {interval_text(what, value)}".rstrip() if with_interval else spread
        case Effect():
            return EFFECT_TEXTS.get(what, effect_text)(value)
        case float():
            return metric_value(what, value)
        case tuple():
            return "x".join(map(str, value))
        case int() if not isinstance(value, bool):
            return f"{value:,}"
    return {None: "-", True: "yes", False: "no"}.get(value, str(value))
