"""What a claim expects: five kinds, each one paired number per seed; and all of several."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from normbench.errors import SettingError
from normbench.evidence.comparison.selectors import Selector
from normbench.storage.arm_id import LabelledArm

KINDS = ("less", "contrast", "trend", "range", "equal", "all")


@dataclass(frozen=True)
class Term:
    """One arm's metric, or that of a group of arms.

    Attributes:
        said: Which, as the file says it: a text or a mapping.
        metric: What is read.
        selector: The same with its keys in full, once the arms are known.
    """

    said: Any
    metric: str
    selector: Selector | None = None

    def means(self, arm: LabelledArm) -> bool:
        """Return whether it is about an arm."""
        assert self.selector is not None
        return self.selector.means(arm.id)

    def __str__(self) -> str:
        """Return which arms are meant, for a sentence."""
        return self.selector.said if self.selector else str(self.said)


@dataclass(frozen=True)
class Expectation:
    """One number per seed and where it is expected.

    Attributes:
        kind: less, contrast, trend, range or equal.
        terms: What is read, with the weight each has in the sum; differences of logarithms where the metric is a loss.
        low: The number is expected above; the margin.
        high: The number is expected below; None where only ``low`` counts.
        key: The setting that a trend runs along.
        is_raw: Values are taken as they are, also losses.
        every: The expectation speaks of every run, not of their mean.
    """

    kind: str
    terms: tuple[tuple[Term, float], ...]
    low: float
    high: float | None = None
    key: str = ""
    is_raw: bool = False
    every: bool = False


def read_expectation(said: Any, metric: str | None, at: str) -> list[Expectation]:
    """Return what a claim's ``expect:`` says; several where it says ``all``.

    Args:
        said: The mapping from the file.
        metric: The claim's metric, which parts and terms may override.
        at: The dotted key of the mapping, for complaints.

    Raises:
        SettingError: Not one of the kinds, or a word missing.
    """
    kinds = [kind for kind in KINDS if isinstance(said, Mapping) and kind in said]
    if len(kinds) != 1:
        raise _refusal(at, f"must be a mapping with one of {', '.join(KINDS)}", said)
    kind = kinds[0]
    if kind == "all":
        _check_words(said, {"all"}, at)
        if not isinstance(said["all"], list) or not said["all"]:
            raise _refusal(f"{at}.all", "must be a list of expectations", said["all"])
        return [
            found for i, part in enumerate(said["all"]) for found in read_expectation(part, metric, f"{at}.all.{i}")
        ]
    own = said.get("metric", metric)
    return [_READERS[kind](said, own, at)]


def _less(said: Mapping[str, Any], metric: str | None, at: str) -> Expectation:
    _check_words(said, {"less", "than", "by", "metric"}, at, required={"than", "by"})
    terms = ((_term(said["than"], metric, f"{at}.than"), 1.0), (_term(said["less"], metric, f"{at}.less"), -1.0))
    return Expectation("less", terms, _above_minus_one(_number(said, "by", at), f"{at}.by"))


def _contrast(said: Mapping[str, Any], metric: str | None, at: str) -> Expectation:
    _check_words(said, {"contrast", "above", "metric"}, at, required={"above"})
    weights = said["contrast"]
    pairs = list(weights.items()) if isinstance(weights, Mapping) else weights
    where = f"{at}.contrast"
    if not isinstance(pairs, list) or not pairs or not all(isinstance(p, list | tuple) and len(p) == 2 for p in pairs):
        raise _refusal(where, "must be a mapping of arms to weights, or a list of [term, weight]", weights)
    terms = tuple((_term(arm, metric, where), _checked_number(weight, where)) for arm, weight in pairs)
    return Expectation("contrast", terms, _above_minus_one(_number(said, "above", at), f"{at}.above"))


def _trend(said: Mapping[str, Any], metric: str | None, at: str) -> Expectation:
    _check_words(said, {"trend", "of", "rising", "by", "metric"}, at, required={"of", "rising"})
    if not isinstance(said["trend"], str) or not isinstance(said["rising"], bool):
        raise _refusal(at, "must name a setting in trend and say rising: true or false", dict(said))
    sign = 1.0 if said["rising"] else -1.0
    low = _number(said, "by", at) if "by" in said else 0.0
    if not -1 < low < 1:
        raise _refusal(f"{at}.by", "must be between -1 and 1, as Kendall's tau is", low)
    return Expectation("trend", ((_term(said["of"], metric, f"{at}.of"), sign),), low, key=said["trend"])


def _range(said: Mapping[str, Any], metric: str | None, at: str) -> Expectation:
    _check_words(said, {"range", "of", "every", "metric"}, at, required={"of"})
    ends = said["range"]
    if not isinstance(ends, list) or len(ends) != 2 or not all(_is_number(end) for end in ends) or ends[0] >= ends[1]:
        raise _refusal(f"{at}.range", "must be two numbers, the smaller first", ends)
    term = _term(said["of"], metric, f"{at}.of")
    every = said.get("every", False) is True
    return Expectation("range", ((term, 1.0),), float(ends[0]), float(ends[1]), is_raw=True, every=every)


def _equal(said: Mapping[str, Any], metric: str | None, at: str) -> Expectation:
    _check_words(said, {"equal", "within", "metric"}, at, required={"within"})
    arms = said["equal"]
    if not isinstance(arms, list) or len(arms) != 2:
        raise _refusal(f"{at}.equal", "must be a list of two arms", arms)
    first, second = (_term(arm, metric, f"{at}.equal") for arm in arms)
    within = _number(said, "within", at)
    if within <= 0:
        raise _refusal(f"{at}.within", "must be > 0", within)
    return Expectation("equal", ((first, 1.0), (second, -1.0)), -within, within)


_READERS: dict[str, Callable[[Mapping[str, Any], str | None, str], Expectation]] = {
    "less": _less,
    "contrast": _contrast,
    "trend": _trend,
    "range": _range,
    "equal": _equal,
}


def _term(said: Any, metric: str | None, at: str) -> Term:
    if isinstance(said, Mapping) and set(said) <= {"arm", "metric"}:
        _check_words(said, {"arm", "metric"}, at, required={"arm"})
        said, metric = said["arm"], said.get("metric", metric)
    if not isinstance(said, str | Mapping) or not said:
        raise _refusal(at, "must name an arm", said)
    if not isinstance(metric, str) or not metric.strip():
        raise _refusal(at, "must have a metric, of its own or of the claim", metric)
    return Term(said, metric)


def _check_words(said: Mapping[str, Any], known: set[str], at: str, *, required: Sequence[str] | set[str] = ()) -> None:
    unknown = [key for key in said if key not in known]
    missing = [key for key in sorted(required) if key not in said]
    if unknown or missing:
        words = ", ".join(sorted(known))
        problem = f"must hold {', '.join(missing)}" if missing else f"must hold nothing but {words}"
        raise _refusal(at, problem, dict(said))


def _above_minus_one(margin: float, at: str) -> float:
    """A loss cannot be lower by all of itself; other metrics here are shares of 1 or less."""
    if margin <= -1:
        raise _refusal(at, "must be > -1", margin)
    return margin


def _number(said: Mapping[str, Any], key: str, at: str) -> float:
    return _checked_number(said[key], f"{at}.{key}")


def _checked_number(value: Any, at: str) -> float:
    if not _is_number(value):
        raise _refusal(at, "must be a number", value)
    return float(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _refusal(at: str, rule: str, value: object) -> SettingError:
    return SettingError(at, rule, value, "Example: expect: {less: batch_norm, than: none, by: 0.05}")
