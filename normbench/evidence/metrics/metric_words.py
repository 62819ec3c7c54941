"""Reads "steps_to 0.5 test_loss": the reducer with what it takes, and the column."""

import math
import sys
from functools import cache
from typing import NamedTuple

from normbench.errors import ComparisonError, did_you_mean, known_names
from normbench.evidence.metrics.reducers.base import Reducer, find_reducers, unfinished_reducers


class Metric(NamedTuple):
    """What is read off a run.

    Attributes:
        reducer: What is made of the column's steps.
        column: Of metrics.csv, or a layer's statistic.
    """

    reducer: Reducer
    column: str


@cache
def find_metric(metric: str) -> Metric | None:
    """Return what a metric's words mean; None where they mean nothing."""
    *words, column = metric.split() or [""]
    word, *given = words or ["last"]
    kind = find_reducers().get(word)
    if kind is None or len(given) != bool(kind.takes):
        return None
    if not kind.takes:
        return Metric(kind(), column)
    number = _number(kind.takes, given[0])
    return None if number is None else Metric(kind(number), column)


EXAMPLE = "Example: 'best test_loss'."
WORDS_RULE = "must be COLUMN, or a known word before it"


def read_metric(metric: str) -> Metric:
    """Return what a metric's words mean.

    Raises:
        ComparisonError: They mean nothing.
    """
    found = find_metric(metric)
    if found:
        return found
    word = (metric.split() or [""])[0]
    if word in unfinished_reducers():
        rule = f"must be a finished word, got {word!r}. {unfinished_reducers()[word]}"
        raise ComparisonError(f"--metric {metric}: {rule}")
    raise ComparisonError(f"--metric {metric}: {WORDS_RULE}, got {metric!r}. {known_words(metric)}")


def known_words(metric: str) -> str:
    """Return the words that may stand before a column, the one first that a metric's first word may mean."""
    word, words = (metric.split() or [""])[0], {usage.split()[0]: usage for usage in usages()}
    meant = EXAMPLE if word in words else did_you_mean(word, words).strip() or EXAMPLE
    return known_names("", words.values(), "Words", hint=meant)


def usages() -> dict[str, str]:
    """Return what may stand before a column, as it is typed, with the first line of its file.

    Example:
        >>> usages()["steps_to VALUE"]
        'The first recorded step that reaches the value; the whole length of the run if none does.'
    """
    kinds = find_reducers().values()
    return {kind.usage(): (sys.modules[kind.__module__].__doc__ or "").partition("\n")[0] for kind in kinds}


def _number(takes: str, text: str) -> float | None:
    if takes == "STEP":
        return int(text) if text.isdecimal() else None
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
