"""Tells why a claim cannot be told: at the margin, too dear or ill-posed; and which effect its runs could have found.

The rules are in docs/methods.md, "6. Claims".
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from normbench.evidence.claims.claim import NEW_DATA
from normbench.evidence.claims.later_looks import ILL_POSED, OpenReason, ReasonKind
from normbench.evidence.claims.margin_test import ExpectationResult
from normbench.evidence.claims.part_scale import ends_as_tested, margins_as_tested
from normbench.evidence.claims.verdict import ClaimVerdict
from normbench.evidence.claims.words import CANNOT_TELL, TOO_FEW
from normbench.evidence.statistics.student import exp
from normbench.evidence.statistics.verdicts.power import POWER, findable_effect, findable_half_width

AT_MARGIN: ReasonKind = "at the margin"
TOO_DEAR: ReasonKind = "too dear"
EXPLAINED = {
    (AT_MARGIN, "one margin"): "there is an effect, but whether it is of the claimed size is open",
    (AT_MARGIN, "two ends"): "the interval holds one of the two ends",
    (TOO_DEAR, "one margin"): "the interval holds both no effect and the margin",
    (TOO_DEAR, "two ends"): "the interval holds both ends",
}
NO_MARGIN_INSIDE = "the interval holds no margin, but a verdict asks for more: p corrected over the parts, or every run"
BOTH_SIDES = 1 - (1 - POWER) / 2
"""The power of each of two one-sided tests, of which both find something in four of five studies."""


@dataclass(frozen=True)
class _Undecided:
    """An undecided part, its place, its kind, and how far from its margin its seeds find effects (of ratios a log)."""

    part: ExpectationResult
    place: int
    kind: ReasonKind
    findable: float


def reason_of(verdict: ClaimVerdict) -> OpenReason | None:
    """Return why a claim cannot be told; None for one that can, or that was not judged."""
    if verdict.verdict not in (CANNOT_TELL, TOO_FEW):
        return None
    if verdict.verdict == TOO_FEW or verdict.why:
        return OpenReason(ILL_POSED, verdict.why or _too_few(verdict.parts))
    is_new = verdict.about == NEW_DATA
    left = [_undecided(part, i, is_new=is_new) for i, part in enumerate(verdict.parts) if part.verdict == CANNOT_TELL]
    return _told(_worst(left)) if left else None


def _too_few(parts: Sequence[ExpectationResult]) -> str:
    part = next(part for part in parts if part.verdict == TOO_FEW)
    return f"{part.n} seeds cannot decide, {part.seeds_needed} are the fewest that can"


def _worst(left: Sequence[_Undecided]) -> _Undecided:
    """Return the part that names the reason: an ill-posed one, else a too dear one, of these the least decided."""
    order = (AT_MARGIN, TOO_DEAR, ILL_POSED)
    return max(left, key=lambda one: (order.index(one.kind), one.part.p_corrected))


def _undecided(part: ExpectationResult, place: int, *, is_new: bool) -> _Undecided:
    by_interval = is_new or part.by_task
    findable = _findable_by_interval(part, is_new=is_new) if by_interval else _findable(part)
    return _Undecided(part, place, _kind(part), findable)


def _kind(part: ExpectationResult) -> ReasonKind:
    """Return the kind of an undecided part by its interval.

    One margin: too dear if the interval holds both no effect and the margin, and so is wider than the margin; at the
    margin if no effect lies outside it, and the margin inside. Two ends: too dear if it holds both, else at the margin.
    """
    low, high = ends_as_tested(part)
    if math.isnan(part.effect) or math.isnan(low) or math.isnan(high):
        return ILL_POSED
    first, last = margins_as_tested(part)
    other = 0.0 if last is None else last
    return TOO_DEAR if low <= min(first, other) and max(first, other) <= high else AT_MARGIN


def _findable(part: ExpectationResult) -> float:
    """Return how far beyond a margin the typical difference must lie to be found in four of five studies.

    Between two ends it is how far both must lie from it. Of normal differences of the std that these seeds have.
    """
    find = findable_effect if len(part.margins) == 1 else findable_half_width
    return _spread(part) * find(part.n, POWER, part.level)


def _findable_by_interval(part: ExpectationResult, *, is_new: bool) -> float:
    """Return the same by the standard error that the interval has: of a mean over splits, or of all tasks together.

    Over splits by the quantiles of t, over tasks, whose seeds are many, by those of the normal distribution.
    """
    from scipy.special import ndtri, stdtrit

    def quantile(p: float) -> float:
        return float(stdtrit(part.n - 1, p) if is_new else ndtri(p))

    low, high = ends_as_tested(part)
    error = (high - low) / 2 / quantile(1 - part.level / 2)
    if len(part.margins) > 1:
        return error * (quantile(1 - part.level) + quantile(BOTH_SIDES))
    return error * (quantile(1 - part.level / 2) + quantile(POWER))


def _spread(part: ExpectationResult) -> float:
    """Return the standard deviation of the seeds' numbers; nan where one is not finite."""
    numbers = list(part.by_seed.values())
    return float(np.std(numbers, ddof=1)) if len(numbers) > 1 and np.isfinite(numbers).all() else math.nan


def _told(found: _Undecided) -> OpenReason:
    if found.kind == ILL_POSED:
        return OpenReason(found.kind, "some run has no number to compare", part=found.place)
    if not _holds_a_margin(found.part):
        return OpenReason(found.kind, NO_MARGIN_INSIDE, part=found.place)
    ends = "one margin" if len(found.part.margins) == 1 else "two ends"
    return OpenReason(found.kind, EXPLAINED[found.kind, ends], _found_effect(found), found.place)


def _holds_a_margin(part: ExpectationResult) -> bool:
    low, high = ends_as_tested(part)
    return any(low <= margin <= high for margin in margins_as_tested(part) if margin is not None)


def _found_effect(found: _Undecided) -> float | None:
    """Return the effect that is found, on the scale of ``effect``; between two ends the half width that is."""
    first, last = margins_as_tested(found.part)
    value = found.findable + (first if last is None else 0.0)
    return (exp(value) if found.part.is_share else value) if math.isfinite(value) else None
