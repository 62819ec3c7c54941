"""Claims of a study file: what somebody says, and what is expected if it is true."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from normbench.errors import SettingError
from normbench.evidence.claims.expectations import Expectation, Term, read_expectation
from normbench.evidence.comparison.selectors import not_one, select
from normbench.evidence.metrics.group_metrics import is_group_metric
from normbench.evidence.metrics.scales import is_share
from normbench.storage.arm_id import ArmSet

WORDS = {"id", "says", "source", "metric", "expect", "discussion"}
SOURCE_WORDS = {"title", "url", "quote"}


@dataclass(frozen=True)
class Claim:
    """What somebody says, as a study can test it.

    Attributes:
        id: Its name in tables, such as B1a.
        says: The sentence, in English.
        source: title, url and the sentence as it stands there (quote).
        expectations: What holds if it is true; all of them.
        discussion: What the numbers say where the verdict differs from the sentence.
    """

    id: str
    says: str
    source: Mapping[str, str]
    expectations: tuple[Expectation, ...]
    discussion: str = ""


def read_claims(said: Sequence[Any], arms: ArmSet) -> tuple[list[Claim], list[SettingError]]:
    """Return the claims of a file and everything wrong in them, keys from ``claims.0`` on.

    Args:
        said: The list under ``claims:``.
        arms: Those of the study.
    """
    claims, errors = [], []
    for i, raw in enumerate(said):
        try:
            claims.append(_read_claim(raw, arms, f"claims.{i}"))
        except SettingError as error:
            errors.append(error)
    return claims, errors


def _read_claim(raw: Any, arms: ArmSet, at: str) -> Claim:
    example = "Example: {says: ..., metric: test_loss, expect: {less: batch_norm, than: none, by: 0.05}}"
    if not isinstance(raw, Mapping) or not {"says", "expect"} <= set(raw):
        raise SettingError(at, "must be a mapping with says and expect", raw, example)
    unknown = sorted(set(map(str, raw)) - WORDS)
    if unknown:
        raise SettingError(f"{at}.{unknown[0]}", f"must be one of {', '.join(sorted(WORDS))}", unknown[0], example)
    source = raw.get("source") or {}
    if not isinstance(source, Mapping) or not set(source) <= SOURCE_WORDS:
        raise SettingError(f"{at}.source", "must hold title, url, quote and nothing else", source, example)
    where = f"{at}.expect"
    read = read_expectation(raw["expect"], raw.get("metric"), where)
    expectations = [_with_selectors(expectation, arms, where) for expectation in read]
    plain = {key: str(value) for key, value in source.items()}
    name = str(raw.get("id") or at.rpartition(".")[2])
    return Claim(name, str(raw["says"]), plain, tuple(expectations), str(raw.get("discussion") or "").strip())


def _with_selectors(expectation: Expectation, arms: ArmSet, at: str) -> Expectation:
    if len({is_share(term.metric) for term, _ in expectation.terms}) > 1:
        rule = "must compare losses with losses: these are compared by ratios, other metrics by differences"
        raise SettingError(at, rule, [term.metric for term, _ in expectation.terms], "Name metrics of one kind.")
    is_trend = expectation.kind == "trend"
    return replace(expectation, terms=tuple((_selecting(t, arms, at, is_trend), w) for t, w in expectation.terms))


def _selecting(term: Term, arms: ArmSet, at: str, is_trend: bool) -> Term:
    """Return the term with its selector, which means one arm unless the metric is read over several."""
    selector, found = select(term.said, arms, at)
    if len(found) > 1 and not is_trend and not is_group_metric(term.metric):
        raise not_one(selector.said, found, at)
    return replace(term, selector=selector)
