"""Reads the expectations of a claim: less, contrast, trend, range, equal, or all of several."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from normbench.errors import SettingError, known_names
from normbench.evidence.comparison.selectors import Selector
from normbench.storage.arm_id import LabelledArm

KINDS = ("less", "contrast", "trend", "range", "equal", "all")


@dataclass(frozen=True)
class Term:
    """A metric of one arm or of a group of arms.

    Attributes:
        raw: The arms as the file names them: a text or a mapping.
        metric: The metric to read.
        selector: The selector of the arms with full keys, once the arms are known.
    """

    raw: Any
    metric: str
    selector: Selector | None = None

    def selects(self, arm: LabelledArm) -> bool:
        """Return whether an arm is among its arms."""
        assert self.selector is not None
        return self.selector.selects(arm.id)

    def __str__(self) -> str:
        """Return the text that names its arms, for a sentence."""
        return self.selector.text if self.selector else str(self.raw)


@dataclass(frozen=True)
class Expectation:
    """One number per seed, and the margins that it must keep.

    Attributes:
        kind: less, contrast, trend, range or equal.
        terms: The terms of a weighted sum, which is the number; of losses, their logarithms are added.
        low: The margin that the number must exceed.
        high: The margin that the number must stay below; None where only ``low`` counts.
        key: The setting along which a trend is measured.
        is_raw: Whether values of losses are taken without logarithm.
        every: Whether every run must keep the margins, not only the typical seed.
        num_places: Number of arms along a trend, once they are known.
    """

    kind: str
    terms: tuple[tuple[Term, float], ...]
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
    kinds = [kind for kind in KINDS if isinstance(raw, Mapping) and kind in raw]
    if len(kinds) != 1:
        word = next((str(key) for key in raw), "") if isinstance(raw, Mapping) else raw
        raise SettingError(at, "must be a mapping of one known kind", raw, known_names(word, KINDS, "Kinds"))
    kind = kinds[0]
    if kind == "all":
        _check_keys(raw, {"all"}, at)
        if not isinstance(raw["all"], list) or not raw["all"]:
            raise _refusal(f"{at}.all", "must be a list of expectations", raw["all"])
        return [found for i, part in enumerate(raw["all"]) for found in read_expectation(part, metric, f"{at}.all.{i}")]
    own = raw.get("metric", metric)
    return [_READERS[kind](raw, own, at)]


def _read_less(raw: Mapping[str, Any], metric: str | None, at: str) -> Expectation:
    _check_keys(raw, {"less", "than", "by", "metric"}, at, required={"than", "by"})
    terms = (
        (_read_term(raw["than"], metric, f"{at}.than"), 1.0),
        (_read_term(raw["less"], metric, f"{at}.less"), -1.0),
    )
    return Expectation("less", terms, _checked_margin(_read_number(raw, "by", at), f"{at}.by"))


def _read_contrast(raw: Mapping[str, Any], metric: str | None, at: str) -> Expectation:
    _check_keys(raw, {"contrast", "above", "metric"}, at, required={"above"})
    weights = raw["contrast"]
    pairs = list(weights.items()) if isinstance(weights, Mapping) else weights
    where = f"{at}.contrast"
    if not isinstance(pairs, list) or not pairs or not all(isinstance(p, list | tuple) and len(p) == 2 for p in pairs):
        raise _refusal(where, "must be a mapping of arms to weights, or a list of [term, weight]", weights)
    terms = tuple((_read_term(arm, metric, where), _checked_number(weight, where)) for arm, weight in pairs)
    return Expectation("contrast", terms, _checked_margin(_read_number(raw, "above", at), f"{at}.above"))


def _read_trend(raw: Mapping[str, Any], metric: str | None, at: str) -> Expectation:
    _check_keys(raw, {"trend", "of", "rising", "by", "metric"}, at, required={"of", "rising"})
    if not isinstance(raw["trend"], str) or not isinstance(raw["rising"], bool):
        raise _refusal(at, "must name a setting in trend and say rising: true or false", dict(raw))
    sign = 1.0 if raw["rising"] else -1.0
    low = _read_number(raw, "by", at) if "by" in raw else 0.0
    if not -1 < low < 1:
        raise _refusal(f"{at}.by", "must be between -1 and 1, as Kendall's tau is", low)
    return Expectation("trend", ((_read_term(raw["of"], metric, f"{at}.of"), sign),), low, key=raw["trend"])


def _read_range(raw: Mapping[str, Any], metric: str | None, at: str) -> Expectation:
    _check_keys(raw, {"range", "of", "every", "metric"}, at, required={"of"})
    ends = raw["range"]
    if not isinstance(ends, list) or len(ends) != 2 or not all(_is_number(end) for end in ends) or ends[0] >= ends[1]:
        raise _refusal(f"{at}.range", "must be two numbers, the smaller first", ends)
    term = _read_term(raw["of"], metric, f"{at}.of")
    every = raw.get("every", False) is True
    return Expectation("range", ((term, 1.0),), float(ends[0]), float(ends[1]), is_raw=True, every=every)


def _read_equal(raw: Mapping[str, Any], metric: str | None, at: str) -> Expectation:
    _check_keys(raw, {"equal", "within", "metric"}, at, required={"within"})
    arms = raw["equal"]
    if not isinstance(arms, list) or len(arms) != 2:
        raise _refusal(f"{at}.equal", "must be a list of two arms", arms)
    first, second = (_read_term(arm, metric, f"{at}.equal") for arm in arms)
    within = _read_number(raw, "within", at)
    if within <= 0:
        raise _refusal(f"{at}.within", "must be > 0", within)
    return Expectation("equal", ((first, 1.0), (second, -1.0)), -within, within)


_READERS: dict[str, Callable[[Mapping[str, Any], str | None, str], Expectation]] = {
    "less": _read_less,
    "contrast": _read_contrast,
    "trend": _read_trend,
    "range": _read_range,
    "equal": _read_equal,
}


def _read_term(raw: Any, metric: str | None, at: str) -> Term:
    if isinstance(raw, Mapping) and set(raw) <= {"arm", "metric"}:
        _check_keys(raw, {"arm", "metric"}, at, required={"arm"})
        raw, metric = raw["arm"], raw.get("metric", metric)
    if not isinstance(raw, str | Mapping) or not raw:
        raise _refusal(at, "must name an arm", raw)
    if not isinstance(metric, str) or not metric.strip():
        raise _refusal(at, "must have a metric, of its own or of the claim", metric)
    return Term(raw, metric)


def _check_keys(raw: Mapping[str, Any], known: set[str], at: str, *, required: Sequence[str] | set[str] = ()) -> None:
    unknown = [key for key in raw if key not in known]
    missing = [key for key in sorted(required) if key not in raw]
    if unknown or missing:
        words = ", ".join(sorted(known))
        problem = f"must hold {', '.join(missing)}" if missing else f"must hold nothing but {words}"
        raise _refusal(at, problem, dict(raw))


def _checked_margin(margin: float, at: str) -> float:
    """Return a margin above -1: a loss cannot fall by more than itself, and other metrics are shares of at most 1."""
    if margin <= -1:
        raise _refusal(at, "must be > -1", margin)
    return margin


def _read_number(raw: Mapping[str, Any], key: str, at: str) -> float:
    return _checked_number(raw[key], f"{at}.{key}")


def _checked_number(value: Any, at: str) -> float:
    if not _is_number(value):
        raise _refusal(at, "must be a number", value)
    return float(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _refusal(at: str, rule: str, value: object) -> SettingError:
    return SettingError(at, rule, value, "Example: expect: {less: batch_norm, than: none, by: 0.05}")
