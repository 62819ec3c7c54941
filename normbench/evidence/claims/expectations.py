"""Reads the expectations of a claim: less, contrast, trend, range, equal, or all of several."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from normbench.errors import SettingError, known_names
from normbench.evidence.claims.terms import WeightedTerms, check_keys, read_terms, refusal

EXAMPLES = {
    "less": "{less: batch_norm, than: none, by: 0.05}",
    "contrast": "{contrast: {batch_norm: 1, none: -1}, above: 0.05}",
    "trend": "{trend: batch_size, of: batch_norm, rising: true}",
    "range": "{range: [0.5, 2], of: batch_norm}",
    "equal": "{equal: [batch_norm, none], within: 0.05}",
    "all": "{all: [{less: batch_norm, than: none, by: 0.05}, ...]}",
}
"""An expectation of each kind, for messages."""


@dataclass(frozen=True)
class Expectation:
    """One number per seed, and the margins that it must keep.

    Attributes:
        kind: less, contrast, trend, range or equal.
        terms: The terms of a weighted sum, which is the number; of losses, their logarithms are added. Of a trend they
            are weights of taus.
        low: The margin that the number must exceed.
        high: The margin that the number must stay below; None where only ``low`` counts.
        key: The setting along which a trend is measured.
        is_raw: Whether values of losses are taken without logarithm.
        every: Whether every run must keep the margins, not only the typical seed.
        num_places: Number of arms along a trend, once they are known.
    """

    kind: str
    terms: WeightedTerms
    low: float
    high: float | None = None
    key: str = ""
    is_raw: bool = False
    every: bool = False
    num_places: int = 2


def read_expectation(raw: Any, metric: str | None, at: str) -> list[Expectation]:
    """Read the mapping under ``expect:``; return several expectations for ``all``, else one.

    Args:
        raw: The mapping in the file.
        metric: The claim's metric, which expectations and terms may replace.
        at: The dotted key of the mapping, for complaints.

    Raises:
        SettingError: The mapping is of no known kind, or lacks a key.
    """
    kind = _kind_of(raw, at)
    try:
        return _read_all(raw, metric, at) if kind == "all" else [_READERS[kind](raw, raw.get("metric", metric), at)]
    except SettingError as error:
        way_out = error.way_out or f"Example: expect: {EXAMPLES[kind]}"
        raise SettingError(error.key, error.rule, error.value, way_out) from None


def _kind_of(raw: Any, at: str) -> str:
    kinds = [kind for kind in EXAMPLES if isinstance(raw, Mapping) and kind in raw]
    if len(kinds) != 1:
        word = next((str(key) for key in raw), "") if isinstance(raw, Mapping) else raw
        raise SettingError(at, "must be a mapping of one known kind", raw, known_names(word, list(EXAMPLES), "Kinds"))
    return kinds[0]


def _read_all(raw: Mapping[str, Any], metric: str | None, at: str) -> list[Expectation]:
    check_keys(raw, {"all"}, at)
    if not isinstance(raw["all"], list) or not raw["all"]:
        raise refusal(f"{at}.all", "must be a list of expectations", raw["all"])
    return [found for i, part in enumerate(raw["all"]) for found in read_expectation(part, metric, f"{at}.all.{i}")]


def _read_less(raw: Mapping[str, Any], metric: str | None, at: str) -> Expectation:
    check_keys(raw, {"less", "than", "by", "metric"}, at, required={"than", "by"})
    terms = (
        *read_terms(raw["than"], metric, f"{at}.than", 1.0),
        *read_terms(raw["less"], metric, f"{at}.less", -1.0),
    )
    return Expectation("less", terms, _checked_margin(_read_number(raw, "by", at), f"{at}.by"))


def _read_contrast(raw: Mapping[str, Any], metric: str | None, at: str) -> Expectation:
    check_keys(raw, {"contrast", "above", "metric"}, at, required={"above"})
    weights = raw["contrast"]
    pairs = list(weights.items()) if isinstance(weights, Mapping) else weights
    where = f"{at}.contrast"
    if not isinstance(pairs, list) or not pairs or not all(isinstance(p, list | tuple) and len(p) == 2 for p in pairs):
        raise refusal(where, "must be a mapping of arms to weights, or a list of [term, weight]", weights)
    terms = [term for arm, weight in pairs for term in read_terms(arm, metric, where, _checked_number(weight, where))]
    return Expectation("contrast", tuple(terms), _checked_margin(_read_number(raw, "above", at), f"{at}.above"))


def _read_trend(raw: Mapping[str, Any], metric: str | None, at: str) -> Expectation:
    check_keys(raw, {"trend", "of", "rising", "by", "metric"}, at, required={"of", "rising"})
    if not isinstance(raw["trend"], str) or not isinstance(raw["rising"], bool):
        raise refusal(at, "must name a setting in trend and say rising: true or false", dict(raw))
    sign = 1.0 if raw["rising"] else -1.0
    low = _read_number(raw, "by", at) if "by" in raw else 0.0
    if not -1 < low < 1:
        raise refusal(f"{at}.by", "must be between -1 and 1, as Kendall's tau is", low)
    return Expectation("trend", read_terms(raw["of"], metric, f"{at}.of", sign), low, key=raw["trend"])


def _read_range(raw: Mapping[str, Any], metric: str | None, at: str) -> Expectation:
    check_keys(raw, {"range", "of", "every", "metric"}, at, required={"of"})
    ends = raw["range"]
    if not isinstance(ends, list) or len(ends) != 2 or not all(_is_number(end) for end in ends) or ends[0] >= ends[1]:
        raise refusal(f"{at}.range", "must be two numbers, the smaller first", ends)
    every = raw.get("every", False)
    if not isinstance(every, bool):
        raise refusal(f"{at}.every", "must be true or false", every)
    terms = read_terms(raw["of"], metric, f"{at}.of", 1.0)
    return Expectation("range", terms, float(ends[0]), float(ends[1]), is_raw=True, every=every)


def _read_equal(raw: Mapping[str, Any], metric: str | None, at: str) -> Expectation:
    check_keys(raw, {"equal", "within", "metric"}, at, required={"within"})
    arms = raw["equal"]
    if not isinstance(arms, list) or len(arms) != 2:
        raise refusal(f"{at}.equal", "must be a list of two arms", arms)
    terms = [
        term
        for arm, sign in zip(arms, (1.0, -1.0), strict=True)
        for term in read_terms(arm, metric, f"{at}.equal", sign)
    ]
    within = _read_number(raw, "within", at)
    if within <= 0:
        raise refusal(f"{at}.within", "must be > 0", within)
    return Expectation("equal", tuple(terms), -within, within)


_READERS: dict[str, Callable[[Mapping[str, Any], str | None, str], Expectation]] = {
    "less": _read_less,
    "contrast": _read_contrast,
    "trend": _read_trend,
    "range": _read_range,
    "equal": _read_equal,
}


def _checked_margin(margin: float, at: str) -> float:
    """Return a margin above -1: a loss cannot fall by more than itself, and other metrics are shares of at most 1."""
    if margin <= -1:
        raise refusal(at, "must be > -1", margin)
    return margin


def _read_number(raw: Mapping[str, Any], key: str, at: str) -> float:
    return _checked_number(raw[key], f"{at}.{key}")


def _checked_number(value: Any, at: str) -> float:
    if not _is_number(value):
        raise refusal(at, "must be a number", value)
    return float(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
