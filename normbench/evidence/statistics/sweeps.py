"""Tests whether a metric falls or rises along a setting: Kendall's tau of each seed, on the typical seed, Holm."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from normbench.evidence.statistics.corrected_t import FEWEST_SPLITS
from normbench.evidence.statistics.corrections import holm, seeds_for_a_verdict
from normbench.evidence.statistics.seed_plan import JUDGED_ONCE, SeedPlan
from normbench.evidence.statistics.trends import kendall_tau, null_std_of_tau
from normbench.evidence.statistics.verdict_rule import FIXED, VerdictRule, judge_differences
from normbench.evidence.statistics.verdicts.typical_seed import Side, typical_seed

LEAST_SHARE = 2 / 3
"""Part of the spread that taus have without a trend, which their spread over splits counts as at least."""


@dataclass(frozen=True)
class Trend:
    """The trend of a metric along a numeric setting.

    Attributes:
        key: The setting.
        n: Number of seeds that all values of the setting have.
        tau: Kendall's tau on the typical seed (pseudo-median): 1 for a rise at every step, -1 for a fall; where new
            data are judged its mean over the splits.
        p: Two-sided p of the better supported direction.
        side: The direction that was found before any correction; empty where p is above the rule's level.
        p_corrected: p after Holm's correction over the table.
        verdict: falls, rises, no trend found, or too few seeds; not at a check, or incomplete, where so many seeds are
            not judged.
        seeds_needed: Fewest seeds with which a verdict is possible, or the number that is judged next.
        by_seed: Kendall's tau of each seed.
        rule: How the verdict was made, which decides p too.
        num_places: Number of values of the setting.
    """

    key: str
    n: int
    tau: float
    p: float
    side: Side
    p_corrected: float = math.nan
    verdict: str = ""
    seeds_needed: int | None = None
    by_seed: Mapping[int, float] = field(default_factory=dict)
    rule: VerdictRule = FIXED
    num_places: int = 2


def measure_trend(key: str, along: Sequence[float], values: Sequence[Mapping[int, float]]) -> Trend:
    """Return the trend of a metric along a setting, of two arms or more.

    Args:
        key: The setting.
        along: The setting's value in each arm.
        values: The metric of each arm, by seed.
    """
    seeds = sorted(set.intersection(*(set(by_seed) for by_seed in values)))
    taus = {seed: kendall_tau(along, [by_seed[seed] for by_seed in values]) for seed in seeds}
    found = typical_seed(list(taus.values()))
    return Trend(key, found.n, found.value, found.p, found.side, by_seed=taus, num_places=len(values))


def judge_trends(trends: Sequence[Trend], plans: Sequence[SeedPlan] = ()) -> list[Trend]:
    """Correct the p values of one table and give each trend its verdict.

    Args:
        trends: The trends of one table.
        plans: How the seeds of each were asked for, and whether they are splits from which new data are judged; all at
            once where none is given.
    """
    fewest = seeds_for_a_verdict(len(trends))
    each = zip(trends, plans or [JUDGED_ONCE] * len(trends), strict=True)
    ruled = [_by_rule(found, plan, len(trends)) for found, plan in each]
    corrected = holm([found.p for found in ruled])
    return [_with_verdict(found, p, fewest) for found, p in zip(ruled, corrected, strict=True)]


def _by_rule(trend: Trend, plan: SeedPlan, num_comparisons: int) -> Trend:
    """Return the trend with p and side by the rule for its seeds; judged once it has them already."""
    rule = rule_of_taus(plan.rule(trend.by_seed, num_comparisons), trend.num_places)
    if rule == FIXED:
        return trend
    found = judge_differences([trend.by_seed[seed] for seed in plan.in_order(trend.by_seed)], 0.0, rule)
    return replace(trend, tau=found.value, p=found.p, side=found.side, rule=rule)


def rule_of_taus(rule: VerdictRule, num_places: int) -> VerdictRule:
    """Return the rule for Kendall's taus along so many values of a setting.

    Taus have few values, so that splits of the same rows may well agree by chance: of two arms that are as good all of
    8 splits had the same sign in 7 % of drawn data sets. So on new data their spread counts as at least two thirds of
    that of taus without a trend.
    """
    return replace(rule, least_spread=least_spread_of_taus(num_places)) if rule.kind == "new data" else rule


def least_spread_of_taus(num_places: int) -> float:
    """Return what the standard deviation of taus over splits is taken for at least.

    Example:
        >>> [round(least_spread_of_taus(num_places), 3) for num_places in (2, 3, 5)]
        [0.667, 0.426, 0.272]
    """
    return LEAST_SHARE * null_std_of_tau(num_places)


def _with_verdict(found: Trend, p: float, fewest: int) -> Trend:
    needed = FEWEST_SPLITS if found.rule.kind == "new data" else fewest
    if found.n < needed:
        return replace(found, p_corrected=p, verdict="too few seeds", seeds_needed=needed)
    if found.rule.why_not:
        return replace(found, p_corrected=p, verdict=found.rule.why_not, seeds_needed=found.rule.next_check)
    if not found.rule.decides(p):
        return replace(found, p_corrected=p, verdict="no trend found")
    return replace(found, p_corrected=p, verdict="rises" if found.side == "above" else "falls")
