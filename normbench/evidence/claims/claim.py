"""Claim: a sentence of a document, with the results that must hold in a study if it is true."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from normbench.errors import SettingError, known_names
from normbench.evidence.claims.expectations import Expectation, read_expectation
from normbench.evidence.claims.tasks import Tasks, check_in_every_task, read_tasks
from normbench.evidence.claims.terms import Term
from normbench.evidence.comparison.selectors import select, several_arms_error
from normbench.evidence.metrics.group_metrics import is_group_metric, plain_metric
from normbench.evidence.metrics.metric_words import WORDS_RULE, find_metric, known_words
from normbench.evidence.metrics.scales import is_share
from normbench.storage.arm_id import ArmSet

About = Literal["these_rows", "new_data"]
"""What a claim on finite data is about: the rows that there are, or new ones like them."""
NEW_DATA: About = "new_data"
THESE_ROWS: About = "these_rows"
CLAIM_KEYS = {"id", "says", "source", "metric", "expect", "about", "pool", "discussion"}
SOURCE_KEYS = {"title", "url", "quote"}
EXAMPLE = "Example: {says: ..., metric: test_loss, expect: {less: batch_norm, than: none, by: 0.05}}"


@dataclass(frozen=True)
class Claim:
    """A sentence of a document, in a form that a study can test.

    Attributes:
        id: Name in tables, such as B1a; no other claim of the study has it.
        says: The sentence, in English.
        source: title and url of the document, and the sentence in its own words (quote).
        expectations: The results that must all hold if the sentence is true.
        discussion: A comment on the numbers where they contradict the sentence.
        about: On finite data whether it is about these rows, or about new data, as where it does not say. What is
            pooled over tasks is about these rows.
        tasks: The tasks over which it is pooled, each with the labels of its arms; empty where it is not pooled.
    """

    id: str
    says: str
    source: Mapping[str, str]
    expectations: tuple[Expectation, ...]
    discussion: str = ""
    about: About = NEW_DATA
    tasks: Tasks = field(default_factory=dict)


def read_claims(raw_claims: Sequence[Any], arms: ArmSet) -> tuple[list[Claim], list[SettingError]]:
    """Read the claims of a file; return them and an error per mistake, with keys from ``claims.0`` on.

    Args:
        raw_claims: The list under ``claims:``.
        arms: The study's arms.
    """
    claims, errors = [], []
    for i, raw in enumerate(raw_claims):
        try:
            claims.append(_read_claim(raw, arms, i))
        except SettingError as error:
            errors.append(error)
    return claims, errors


def repeated_ids(raw_claims: Sequence[Any]) -> list[SettingError]:
    """Return an error for each claim with the id of one before it: by their ids their second looks are told apart."""
    ids = [claim_id(raw, i) for i, raw in enumerate(raw_claims)]
    rule, way_out = "must be an id that no claim before it has", "Write another one."
    return [SettingError(f"claims.{i}.id", rule, id_, way_out) for i, id_ in enumerate(ids) if id_ in ids[:i]]


def claim_id(raw: Any, number: int) -> str:
    """Return the id of a claim as the file has it; its number where it has none."""
    return str((raw.get("id") if isinstance(raw, Mapping) else None) or number)


def _read_claim(raw: Any, arms: ArmSet, number: int) -> Claim:
    at = f"claims.{number}"
    _check_claim_keys(raw, at)
    source, about, where = _read_source(raw.get("source") or {}, at), _read_about(raw, at), f"{at}.expect"
    tasks = read_tasks(raw["pool"], arms, f"{at}.pool") if "pool" in raw else {}
    read = read_expectation(raw["expect"], raw.get("metric"), where)
    if tasks and any(expectation.every for expectation in read):
        raise SettingError(f"{at}.pool", "must not stand with every: true", raw["pool"], "Claim it of each dataset.")
    expectations = [_with_selectors(expectation, arms, tasks, where) for expectation in read]
    discussion = str(raw.get("discussion") or "").strip()
    said = (claim_id(raw, number), str(raw["says"]), source)
    return Claim(*said, tuple(expectations), discussion, about, tasks)


def _check_claim_keys(raw: Any, at: str) -> None:
    """Refuse what is no mapping, lacks what every claim has, or has a key that none has."""
    if not isinstance(raw, Mapping) or not {"says", "expect"} <= set(raw):
        raise SettingError(at, "must be a mapping with says and expect", raw, EXAMPLE)
    unknown = sorted(set(map(str, raw)) - CLAIM_KEYS)
    if unknown:
        listed = known_names(unknown[0], sorted(CLAIM_KEYS), "Keys")
        raise SettingError(f"{at}.{unknown[0]}", "must be a key of a claim", unknown[0], listed)


def _check_words(metric: str, at: str) -> None:
    """Refuse a metric whose words before the column mean nothing; which columns there are only runs tell."""
    plain = plain_metric(metric)
    if plain and find_metric(plain) is None:
        raise SettingError(at, f"metric {WORDS_RULE}", metric, known_words(plain))


def _read_source(raw: Any, at: str) -> dict[str, str]:
    if not isinstance(raw, Mapping) or not set(raw) <= SOURCE_KEYS:
        way_out = "Example: source: {title: ..., url: ..., quote: ...}"
        raise SettingError(f"{at}.source", "must hold title, url, quote and nothing else", raw, way_out)
    return {key: str(value) for key, value in raw.items()}


def _read_about(raw: Mapping[str, Any], at: str) -> About:
    is_pooled = "pool" in raw
    about: About = raw.get("about", THESE_ROWS if is_pooled else NEW_DATA)
    if about not in (THESE_ROWS, NEW_DATA):
        rule, way_out = f"must be {THESE_ROWS} or {NEW_DATA}", "Leave it out, and the claim is about new data."
        raise SettingError(f"{at}.about", rule, about, way_out)
    if is_pooled and about != THESE_ROWS:
        way_out = "No test of new data is pooled: claim that of each dataset."
        raise SettingError(f"{at}.about", "must be these_rows beside pool", about, way_out)
    return about


def _with_selectors(expectation: Expectation, arms: ArmSet, tasks: Tasks, at: str) -> Expectation:
    if len({is_share(term.metric) for term, _ in expectation.terms}) > 1:
        rule = "must compare losses with losses: these are compared by ratios, other metrics by differences"
        raise SettingError(at, rule, [term.metric for term, _ in expectation.terms], "Name metrics of one kind.")
    is_trend = expectation.kind == "trend"
    terms = tuple((_with_selector(term, arms, tasks, at, is_trend), weight) for term, weight in expectation.terms)
    return replace(expectation, terms=terms)


def _with_selector(term: Term, arms: ArmSet, tasks: Tasks, at: str, is_trend: bool) -> Term:
    """Return the term with its selector, which must select one arm, or one per task, unless it is read over several."""
    _check_words(term.metric, at)
    selector, found = select(term.raw, arms, at)
    may_be_several = is_trend or is_group_metric(term.metric)
    if tasks:
        check_in_every_task(selector, found, tasks, at, may_be_several=may_be_several)
    elif len(found) > 1 and not may_be_several:
        raise several_arms_error(selector.text, found, at)
    return replace(term, selector=selector)
