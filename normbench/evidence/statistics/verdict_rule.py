"""Says how verdicts are made from n seeds: once, at a planned check with its level, not yet, at any time, on new data.

The rules are in docs/methods.md, "4. Verdicts of a comparison", under planned checks, and "10. Finite data".
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy.typing as npt

from normbench.evidence.statistics.corrected_t import corrected_p, corrected_t
from normbench.evidence.statistics.corrections import ALPHA
from normbench.evidence.statistics.planned_checks.levels import check_levels
from normbench.evidence.statistics.planned_checks.sign_e_process import (
    e_process_interval,
    e_process_side,
    sign_e_process,
)
from normbench.evidence.statistics.verdicts.equivalence import equivalence_p
from normbench.evidence.statistics.verdicts.typical_seed import Failed, Side, guarded_p, pseudo_median, typical_seed

Kind = Literal["fixed", "check", "no check", "incomplete", "any time", "new data"]
NOT_AT_CHECK, INCOMPLETE = "not at a check", "incomplete"


@dataclass(frozen=True)
class VerdictRule:
    """How verdicts are made.

    Attributes:
        kind: fixed: the number of seeds was set beforehand, and they are judged once. check: a planned check. no check:
            seeds that are not judged, as no check is planned after this number. incomplete: seeds that were asked for
            are missing. any time: seeds were added without a
            plan, so that only a test may decide that is right whenever somebody looks. new data: seeds are splits of
            the same rows, and what is judged is the mean over splits of new rows.
        level: A p, corrected for the comparisons of its table, decides if it is not above the level; 0 where nothing is
            judged.
        next_check: The number of seeds that is judged next, where these are not; None if none is.
        overlap: On new data what splits of the same rows leave of the spread, as in ``corrected_t``.
        least_spread: On new data what the standard deviation over the splits is taken for at least.
    """

    kind: Kind
    level: float
    next_check: int | None = None
    overlap: float = 0.0
    least_spread: float = 0.0

    @property
    def why_not(self) -> str:
        """The word for a verdict that is not given because these seeds are not judged; "" where they are."""
        return {"no check": NOT_AT_CHECK, "incomplete": INCOMPLETE}.get(self.kind, "")

    def decides(self, p_corrected: float) -> bool:
        """Return whether a corrected p gives a verdict."""
        return not self.why_not and p_corrected <= self.level


FIXED = VerdictRule("fixed", ALPHA)
ANY_TIME = VerdictRule("any time", ALPHA)


def rule_once(n: int, count: int) -> VerdictRule:
    """Return the rule for n seeds of a study that is judged once, with all the seeds that were asked for.

    Example:
        >>> rule_once(8, 8) == FIXED, rule_once(7, 8).next_check, rule_once(9, 8) == ANY_TIME
        (True, 8, True)
    """
    if n == count:
        return FIXED
    return VerdictRule("incomplete", 0.0, count) if n < count else ANY_TIME


def rule_at_checks(n: int, check_after: Sequence[int], num_comparisons: int, *, is_whole: bool = True) -> VerdictRule:
    """Return the rule for n seeds of a study with planned checks; beyond the last check it is that of any time.

    Args:
        n: Number of seeds.
        check_after: Numbers of seeds after which checks are planned.
        num_comparisons: Comparisons for which p is corrected.
        is_whole: Whether no later seeds are there, with some missing between.

    Example:
        >>> rule = rule_at_checks(16, [8, 16, 32, 64], 1)
        >>> rule.kind, round(rule.level, 4), rule_at_checks(12, [8, 16], 1).next_check
        ('check', 0.0123, 16)
    """
    if n > check_after[-1]:
        return ANY_TIME
    levels = dict(zip(check_after, check_levels(check_after, max(1, num_comparisons)), strict=True))
    if levels.get(n) and is_whole:
        return VerdictRule("check", levels[n])
    later = next((count for count, level in levels.items() if count > n and level), None)
    return VerdictRule("no check" if is_whole else "incomplete", 0.0, later)


def rule_on_new_data(rule: VerdictRule, overlap: float, num_counts: int) -> VerdictRule:
    """Return the rule for verdicts on new data, from the one that the seeds have as to when they are judged.

    Seeds that were added without a plan were looked at more than once: each count has its part of 5 % (Bonferroni).

    Args:
        rule: The rule for these seeds.
        overlap: What splits of the same rows leave of the spread, as in ``corrected_t``.
        num_counts: How many counts of seeds were asked for one after the other.

    Example:
        >>> rule_on_new_data(FIXED, 0.25, 1).level, rule_on_new_data(ANY_TIME, 0.25, 2).level
        (0.05, 0.025)
    """
    if rule.why_not:
        return rule
    level = ALPHA / max(2, num_counts) if rule.kind == "any time" else rule.level
    return VerdictRule("new data", level, overlap=overlap)


@dataclass(frozen=True)
class RuledVerdict:
    """What paired differences say about the typical seed, or about new data, by a rule, before p is corrected.

    Attributes:
        value: The pseudo-median of the differences; on new data their mean.
        p: Two-sided p; 1 where nothing may be judged.
        side: The side that was found; empty for cannot tell.
        failed: The part of the test that found nothing where the other found a side: "signs" or "sizes".
        low: Lower end of the interval that goes with the rule's level; -inf where nothing may be judged.
        high: Upper end of it.
    """

    value: float
    p: float
    side: Side
    failed: Failed
    low: float
    high: float


def judge_differences(differences: npt.ArrayLike, margin: float, rule: VerdictRule) -> RuledVerdict:
    """Judge one sample against a margin.

    Args:
        differences: Shape (n,), one per seed; for the rule of any time in the order in which seeds were added.
        margin: What the typical difference is compared with.
        rule: How verdicts are made.

    Example:
        >>> judge_differences([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0], 0.0, ANY_TIME).side
        'above'
        >>> judge_differences([1.0] * 8, 0.0, rule_once(8, 16)).p
        1.0
    """
    if rule.kind == "new data":
        return _on_new_data(differences, margin, rule)
    if rule.why_not:
        return RuledVerdict(pseudo_median(differences), 1.0, "", "", -math.inf, math.inf)
    if rule.kind == "any time":
        side, ends = e_process_side(differences, margin), e_process_interval(differences)
        p = min(side_ps(differences, margin, rule))
        return RuledVerdict(pseudo_median(differences), p, side, "", *ends)
    found = typical_seed(differences, margin, rule.level)
    return RuledVerdict(found.value, found.p, found.side, found.failed, found.low, found.high)


def judge_side(differences: npt.ArrayLike, margin: float, rule: VerdictRule) -> tuple[float, Side]:
    """Return p and the side as ``judge_differences`` does, without the time that the interval takes."""
    if rule.kind not in ("fixed", "check"):
        found = judge_differences(differences, margin, rule)
        return found.p, found.side
    above, below = side_ps(differences, margin, rule)
    side: Side = "below" if below < above else "above"
    p = min(above, below)
    return p, side if p <= rule.level else ""


def _on_new_data(differences: npt.ArrayLike, margin: float, rule: VerdictRule) -> RuledVerdict:
    found = corrected_t(differences, rule.overlap, margin, rule.level, least_spread=rule.least_spread)
    side: Side = "above" if found.p_above < found.p_below else "below"
    return RuledVerdict(found.value, found.p, side if found.p <= rule.level else "", "", found.low, found.high)


def side_ps(differences: npt.ArrayLike, margin: float, rule: VerdictRule) -> tuple[float, float]:
    """Return the two-sided p for "above the margin" and for "below"; at any time it is 2 / the largest E so far.

    Under the null 2 / E is ever at most a with probability a, for both sides together (Ville, 1939).

    Example:
        >>> side_ps([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 0.0, FIXED)
        (0.03125, 1.0)
    """
    if rule.why_not:
        return 1.0, 1.0
    if rule.kind == "any time":
        above, below = _largest(differences, margin)
        return min(1.0, 2 / above), min(1.0, 2 / below)
    if rule.kind == "new data":
        one_sided = corrected_p(differences, rule.overlap, margin, rule.least_spread)
        return min(1.0, 2 * float(one_sided[0])), min(1.0, 2 * float(one_sided[1]))
    found = guarded_p(differences, margin)
    return float(found[0]), float(found[1])


def equality_p(differences: npt.ArrayLike, margin: float, rule: VerdictRule) -> float:
    """Return p of "equal within the margin", the larger of the two one-sided p; compared with the rule's level.

    Example:
        >>> small = [0.1, -0.2, 0.3, 0.0, -0.1, 0.2, -0.3, 0.15]
        >>> equality_p(small, 0.5, FIXED), round(equality_p(small, 0.5, ANY_TIME), 4)
        (0.00390625, 0.0176)
    """
    if rule.why_not:
        return 1.0
    if rule.kind == "any time":
        above, below = _largest(differences, -margin)[0], _largest(differences, margin)[1]
        return min(1.0, 1 / min(above, below))
    if rule.kind == "new data":
        above, _ = side_ps(differences, -margin, rule)
        _, below = side_ps(differences, margin, rule)
        return max(above, below) / 2
    return float(equivalence_p(differences, margin))


def _largest(differences: npt.ArrayLike, margin: float) -> tuple[float, float]:
    """Return the largest E so far for "above the margin" and for "below"; 1 before the first seed."""
    above, below = sign_e_process(differences, margin)
    return float(above.max(initial=1.0)), float(below.max(initial=1.0))
