"""Tests whether a metric falls or rises along a setting: Kendall's tau per seed, sign-flip test, Holm."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from normbench.evidence.statistics.corrections import ALPHA, holm, seeds_for_a_verdict
from normbench.evidence.statistics.means import mean_of
from normbench.evidence.statistics.paired_effect import sign_flip_p
from normbench.evidence.statistics.trends import kendall_tau


@dataclass(frozen=True)
class Trend:
    """The trend of a metric along a numeric setting.

    Attributes:
        key: The setting.
        n: Number of seeds that all values of the setting have.
        tau: Mean over seeds of Kendall's tau: 1 for a rise at every step, -1 for a fall.
        p: Two-sided p of the sign-flip test of tau.
        p_corrected: p after Holm's correction over the table.
        verdict: falls, rises, no trend found, or too few seeds.
        seeds_needed: Fewest seeds with which a verdict is possible.
    """

    key: str
    n: int
    tau: float
    p: float
    p_corrected: float = math.nan
    verdict: str = ""
    seeds_needed: int | None = None


def measure_trend(key: str, along: Sequence[float], values: Sequence[Mapping[int, float]]) -> Trend | None:
    """Return the trend of a metric along a setting; None with fewer than two arms.

    Args:
        key: The setting.
        along: The setting's value in each arm.
        values: The metric of each arm, by seed.
    """
    if len(values) < 2:
        return None
    seeds = sorted(set.intersection(*(set(by_seed) for by_seed in values)))
    taus = [kendall_tau(along, [by_seed[seed] for by_seed in values]) for seed in seeds]
    return Trend(key, len(taus), mean_of(taus) if taus else math.nan, sign_flip_p(taus))


def judge_trends(trends: Sequence[Trend]) -> list[Trend]:
    """Correct the p values of one table and give each trend its verdict."""
    fewest = seeds_for_a_verdict(len(trends))
    corrected = holm([found.p for found in trends])
    return [_with_verdict(found, p, fewest) for found, p in zip(trends, corrected, strict=True)]


def _with_verdict(found: Trend, p: float, fewest: int) -> Trend:
    if found.n < fewest:
        return replace(found, p_corrected=p, verdict="too few seeds", seeds_needed=fewest)
    if p > ALPHA:
        return replace(found, p_corrected=p, verdict="no trend found")
    return replace(found, p_corrected=p, verdict="rises" if found.tau > 0 else "falls")
