"""Compares two arms on new data of the same kind, from splits of the same rows: mean effect, interval, p and verdict.

The rules are in docs/methods.md, "10. Finite data".
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from normbench.evidence.statistics.corrected_t import FEWEST_SPLITS
from normbench.evidence.statistics.corrections import holm
from normbench.evidence.statistics.student import exp
from normbench.evidence.statistics.verdict_rule import FIXED, VerdictRule, judge_differences
from normbench.evidence.statistics.verdict_words import CANNOT_TELL, TOO_FEW, Better, verdict_word
from normbench.evidence.statistics.verdicts.typical_seed import Side


@dataclass(frozen=True)
class NewDataEffect:
    """An arm against the baseline on new data: the mean over splits, with what splits of the same rows leave open.

    Attributes:
        num_splits: Number of splits that both arms have.
        is_ratio: Whether effect and interval are ratios; else they are differences.
        value: The mean of the (logarithmic) differences; nan where nothing is said.
        low: Lower end of its 95 % interval by the corrected t, before any correction for several comparisons.
        high: Upper end of it.
        p: Two-sided p of the corrected t.
        side: The side that was found before any correction; empty where p is above the rule's level.
        p_corrected: p after Holm's correction over the table.
        verdict: better or worse (higher or lower where no direction is better), cannot tell, or too few seeds; not at a
            check, or incomplete, where so many seeds are not judged; ``why_not`` where nothing is said of new data.
        why_not: Why nothing can be said of new data with any number of seeds: one split, different data, or
            that it moves in steps; else "".
        is_lost_to_correction: Whether p would give a verdict and the corrected p does not.
        seeds_needed: Fewest seeds with which a verdict is possible, where there are too few; the number that is judged
            next, where these are not.
        rule: How the verdict was made.
    """

    num_splits: int
    is_ratio: bool
    value: float = math.nan
    low: float = -math.inf
    high: float = math.inf
    p: float = 1.0
    side: Side = ""
    p_corrected: float = 1.0
    verdict: str = ""
    is_lost_to_correction: bool = False
    why_not: str = ""
    seeds_needed: int | None = None
    rule: VerdictRule = FIXED

    @property
    def has_interval(self) -> bool:
        """Whether anything is excluded."""
        return self.high < math.inf or self.low > (0.0 if self.is_ratio else -math.inf)


def new_data_effect(differences: Mapping[int, float], rule: VerdictRule, *, is_ratio: bool) -> NewDataEffect:
    """Return the effect on new data that paired differences show, without a verdict yet.

    Args:
        differences: Arm less baseline for each split; of ratios the difference of logarithms. Failed runs count as the
            constant predictor, so that all are finite; where one is not, nothing is said.
        rule: How verdicts on new data are made.
        is_ratio: Whether they are differences of logarithms.
    """
    found = judge_differences(list(differences.values()), 0.0, rule)
    write = exp if is_ratio else float
    ends = write(found.value), write(found.low), write(found.high)
    return NewDataEffect(len(differences), is_ratio, *ends, p=found.p, side=found.side, rule=rule)


def judge_new_data(effects: Sequence[NewDataEffect], better: Better) -> list[NewDataEffect]:
    """Correct the p values of one table and give each effect its verdict."""
    corrected = holm([effect.p for effect in effects])
    return [_with_verdict(effect, p, better) for effect, p in zip(effects, corrected, strict=True)]


def _with_verdict(effect: NewDataEffect, p: float, better: Better) -> NewDataEffect:
    found = replace(effect, p_corrected=p)
    if effect.rule.why_not:
        return replace(found, verdict=effect.rule.why_not, seeds_needed=effect.rule.next_check)
    if effect.num_splits < FEWEST_SPLITS:
        return replace(found, verdict=TOO_FEW, seeds_needed=FEWEST_SPLITS)
    if not effect.rule.decides(p):
        return replace(found, verdict=CANNOT_TELL, is_lost_to_correction=effect.rule.decides(effect.p))
    return replace(found, verdict=verdict_word(effect.side, better))
