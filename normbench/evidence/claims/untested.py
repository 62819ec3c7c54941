"""Writes an expectation in words, as a result that has neither numbers nor a verdict yet."""

import math
from collections.abc import Sequence
from dataclasses import replace

from normbench.evidence.claims.expectations import Expectation
from normbench.evidence.claims.margin_test import ExpectationResult
from normbench.evidence.claims.terms import Term
from normbench.evidence.metrics.scales import is_accuracy, is_share


def untested(expectation: Expectation) -> ExpectationResult:
    """Return an expectation in words, with empty numbers and no verdict yet."""
    metrics = list(dict.fromkeys(term.metric for term, _ in expectation.terms))
    is_ratio = is_share(metrics[0]) and expectation.kind != "trend" and not expectation.is_raw
    is_points = expectation.kind in ("less", "contrast", "equal") and all(map(is_accuracy, metrics))
    empty = (math.nan, math.nan, math.nan, (), 1.0, 1.0, "")
    words = _sentence(expectation, metrics)
    found = ExpectationResult(words, ", ".join(metrics), is_ratio, 0, *empty, is_points=is_points)
    return replace(found, kind=expectation.kind)


def _sentence(expectation: Expectation, metrics: Sequence[str]) -> str:
    first, second = (_side(expectation, metrics, sign) for sign in (1, -1))
    low, high = expectation.low, expectation.high
    match expectation.kind:
        case "less":
            return f"{second} < {first} by {low:g}"
        case "contrast":
            terms = " ".join(f"{w:+.3g} {_named(term, metrics)}" for term, w in expectation.terms)
            return f"{terms} > {low:g}"
        case "trend":
            way, arms = ("rises", first) if expectation.terms[0][1] > 0 else ("falls", second)
            return f"{arms} {way} with {expectation.key}, tau > {low:g}"
        case "range":
            return f"{first} in [{low:g}, {high:g}]{' in every run' if expectation.every else ''}"
    return f"{first} = {second} within {high:g}"


def _side(expectation: Expectation, metrics: Sequence[str], sign: int) -> str:
    """Return the arms that count with one sign in words; several of them stand for their mean."""
    named = [_named(term, metrics) for term, weight in expectation.terms if weight * sign > 0]
    return f"the mean of {' and '.join(named)}" if len(named) > 1 else "".join(named)


def _named(term: Term, metrics: Sequence[str]) -> str:
    return f"{term} ({term.metric})" if len(metrics) > 1 else str(term)
