"""Sorts verdicts by what they tell: holds, opposite, smaller, depends on the task, cannot be told, not run."""

import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

from normbench.evidence.claims.later_looks import ILL_POSED
from normbench.evidence.claims.many_claims import UNTESTED
from normbench.evidence.claims.margin_test import ExpectationResult
from normbench.evidence.claims.verdict import NOT_RUN, ClaimVerdict
from normbench.evidence.claims.words import CANNOT_TELL, DEPENDS, HOLDS, OLD_WORDS, OPPOSITE, SMALLER

Outcome = str
"""holds, opposite, smaller than claimed, depends on the task, cannot tell or not run."""
OUTCOMES: tuple[Outcome, ...] = (HOLDS, OPPOSITE, SMALLER, DEPENDS, CANNOT_TELL, NOT_RUN)
"""In the order of the page."""
_AGAINST = (OPPOSITE, SMALLER)
_TASK = re.compile(r"dataset=[^\s,]+")


def outcomes(verdicts: Sequence[ClaimVerdict]) -> list[Outcome]:
    """Return the outcome of each verdict; one claim made of each of several tasks that disagree depends on the task."""
    alone = [claim_outcome(verdict) for verdict in verdicts]
    by_sentence: dict[object, set[Outcome]] = {}
    for verdict, outcome in zip(verdicts, alone, strict=True):
        if sentence := _same_of_all_tasks(verdict):
            by_sentence.setdefault(sentence, set()).add(outcome)
    torn = {sentence for sentence, found in by_sentence.items() if _disagree(found)}
    decided = (HOLDS, *_AGAINST)
    return [
        DEPENDS if outcome in decided and _same_of_all_tasks(verdict) in torn else outcome
        for verdict, outcome in zip(verdicts, alone, strict=True)
    ]


def claim_outcome(verdict: ClaimVerdict) -> Outcome:
    """Return the outcome of one claim: its verdict, in today's words."""
    supported, refuted = OLD_WORDS
    if verdict.verdict == NOT_RUN:
        return NOT_RUN
    if verdict.verdict in (CANNOT_TELL, *UNTESTED):
        return CANNOT_TELL
    if verdict.verdict == refuted:
        return OPPOSITE if OPPOSITE in map(part_outcome, verdict.parts) else SMALLER
    return HOLDS if verdict.verdict == supported else verdict.verdict


def part_outcome(part: ExpectationResult) -> str:
    """Return the verdict of a part in today's words: version 0.1.0 said refuted of opposite and of smaller effects."""
    supported, refuted = OLD_WORDS
    if part.verdict == refuted:
        is_outside = len(part.margins) == 2 or part.high < (1.0 if part.is_share else 0.0)
        return OPPOSITE if is_outside else SMALLER
    return HOLDS if part.verdict == supported else part.verdict


def is_ill_posed(verdict: ClaimVerdict) -> bool:
    """Return whether a claim that cannot be told could not be judged by these runs, whatever its effect."""
    if verdict.reason:
        return verdict.reason.kind == ILL_POSED
    return verdict.verdict in UNTESTED[1:] or (verdict.verdict == CANNOT_TELL and bool(verdict.why))


def outcome_counts(verdicts: Sequence[ClaimVerdict]) -> Mapping[str, int]:
    """Return the number of claims with each outcome, those that are ill-posed apart."""
    found = outcomes(verdicts)
    ill_posed = sum(one == CANNOT_TELL and is_ill_posed(v) for v, one in zip(verdicts, found, strict=True))
    counts: dict[str, int] = {outcome: found.count(outcome) for outcome in OUTCOMES[:-1]}
    counts[CANNOT_TELL] -= ill_posed
    return counts | {ILL_POSED: ill_posed, NOT_RUN: found.count(NOT_RUN)}


def _disagree(found: AbstractSet[str]) -> bool:
    return HOLDS in found and any(word in found for word in _AGAINST)


def _same_of_all_tasks(verdict: ClaimVerdict) -> object:
    """Return what a claim says with the task's name left out; None where it names no task, or several."""
    tasks = {name for part in verdict.parts for name in _TASK.findall(part.expectation)}
    said = tuple((_TASK.sub("dataset=", part.expectation), part.metric) for part in verdict.parts)
    return (verdict.study, said) if len(tasks) == 1 else None
