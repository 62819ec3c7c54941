"""Claims of a study file: what somebody says, and what is expected if it is true."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from normbench.errors import SettingError, did_you_mean
from normbench.evidence.claims.expectations import Expectation, read_expectation, selected
from normbench.evidence.metrics.group_metrics import is_group_metric, is_share

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


def read_claims(said: Sequence[Any], names: Sequence[str]) -> tuple[list[Claim], list[SettingError]]:
    """Return the claims of a file and everything wrong in them, keys from ``claims.0`` on.

    Args:
        said: The list under ``claims:``.
        names: The study's arms.
    """
    claims, errors = [], []
    for i, raw in enumerate(said):
        try:
            claims.append(_read_claim(raw, names, f"claims.{i}"))
        except SettingError as error:
            errors.append(error)
    return claims, errors


def _read_claim(raw: Any, names: Sequence[str], at: str) -> Claim:
    example = "Example: {says: ..., metric: test_loss, expect: {less: batch_norm, than: none, by: 0.05}}"
    if not isinstance(raw, Mapping) or not {"says", "expect"} <= set(raw):
        raise SettingError(at, "must be a mapping with says and expect", raw, example)
    unknown = sorted(set(map(str, raw)) - WORDS)
    if unknown:
        raise SettingError(f"{at}.{unknown[0]}", f"must be one of {', '.join(sorted(WORDS))}", unknown[0], example)
    source = raw.get("source") or {}
    if not isinstance(source, Mapping) or not set(source) <= SOURCE_WORDS:
        raise SettingError(f"{at}.source", "must hold title, url, quote and nothing else", source, example)
    expectations = read_expectation(raw["expect"], raw.get("metric"), f"{at}.expect")
    for expectation in expectations:
        _check_selectors(expectation, names, f"{at}.expect")
    plain = {key: str(value) for key, value in source.items()}
    name = str(raw.get("id") or at.rpartition(".")[2])
    return Claim(name, str(raw["says"]), plain, tuple(expectations), str(raw.get("discussion") or "").strip())


def _check_selectors(expectation: Expectation, names: Sequence[str], at: str) -> None:
    if len({is_share(term.metric) for term, _ in expectation.terms}) > 1:
        rule = "must compare losses with losses: these are compared by ratios, other metrics by differences"
        raise SettingError(at, rule, [term.metric for term, _ in expectation.terms], "Name metrics of one kind.")
    for term, _ in expectation.terms:
        found = selected(term.selector, names)
        is_group = is_group_metric(term.metric) or expectation.kind == "trend"
        if not found or (len(found) > 1 and not is_group):
            rule = "must name arms of the study" if not found else f"must name one arm, it names {len(found)}"
            shown = ", ".join(list(names)[:6]) + (" ..." if len(names) > 6 else "")
            way_out = f"Arms: {shown}.{did_you_mean(term.selector, names)}"
            raise SettingError(at, rule, term.selector, way_out)
