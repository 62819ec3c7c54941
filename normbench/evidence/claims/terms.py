"""Reads the terms of an expectation: a metric of one arm, of a group of arms, or the mean of several in each seed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from normbench.errors import SettingError
from normbench.evidence.comparison.selectors import Selector
from normbench.storage.arm_id import LabelledArm


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


WeightedTerms = tuple[tuple[Term, float], ...]
"""The terms of a weighted sum, each with its weight."""


def read_terms(raw: Any, metric: str | None, at: str, weight: float) -> WeightedTerms:
    """Read what stands for an arm; several in a list have equal shares of the weight, so that it is their mean.

    Args:
        raw: A text or a mapping that names an arm, a mapping of arm and metric, or a list of these.
        metric: The metric of those that name none.
        at: The dotted key, for complaints.
        weight: The weight of all of them together.
    """
    if not isinstance(raw, list):
        return ((_read_term(raw, metric, at), weight),)
    if not raw:
        raise refusal(at, "must name an arm, or several in a list", raw)
    return tuple((_read_term(one, metric, f"{at}.{i}"), weight / len(raw)) for i, one in enumerate(raw))


def _read_term(raw: Any, metric: str | None, at: str) -> Term:
    if isinstance(raw, Mapping) and set(raw) <= {"arm", "metric"}:
        check_keys(raw, {"arm", "metric"}, at, required={"arm"})
        raw, metric = raw["arm"], raw.get("metric", metric)
    if not isinstance(raw, str | Mapping) or not raw:
        raise refusal(at, "must name an arm", raw)
    if not isinstance(metric, str) or not metric.strip():
        raise refusal(at, "must have a metric, of its own or of the claim", metric)
    return Term(raw, metric)


def check_keys(raw: Mapping[str, Any], known: set[str], at: str, *, required: Sequence[str] | set[str] = ()) -> None:
    """Refuse a mapping with a key that is not known, or without one that is required."""
    unknown = [key for key in raw if key not in known]
    missing = [key for key in sorted(required) if key not in raw]
    if unknown or missing:
        words = ", ".join(sorted(known))
        problem = f"must hold {', '.join(missing)}" if missing else f"must hold nothing but {words}"
        raise refusal(at, problem, dict(raw))


def refusal(at: str, rule: str, value: object) -> SettingError:
    """Return the error of an expectation, to which its kind adds an example."""
    return SettingError(at, rule, value, "")
