"""Tests whether a metric falls or rises along a setting: Kendall's tau of each seed, on the typical seed, Holm."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from normbench.evidence.statistics.corrections import ALPHA, holm, seeds_for_a_verdict
from normbench.evidence.statistics.trends import kendall_tau
from normbench.evidence.statistics.verdicts.typical_seed import Side, typical_seed


@dataclass(frozen=True)
class Trend:
    """The trend of a metric along a numeric setting.

    Attributes:
        key: The setting.
        n: Number of seeds that all values of the setting have.
        tau: Kendall's tau on the typical seed (pseudo-median): 1 for a rise at every step, -1 for a fall.
        p: Two-sided p of the better supported direction.
        side: The direction that was found before any correction; empty where p > 0.05.
        p_corrected: p after Holm's correction over the table.
        verdict: falls, rises, no trend found, or too few seeds.
        seeds_needed: Fewest seeds with which a verdict is possible.
    """

    key: str
    n: int
    tau: float
    p: float
    side: Side
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
    found = typical_seed(taus)
    return Trend(key, found.n, found.value, found.p, found.side)


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
    return replace(found, p_corrected=p, verdict="rises" if found.side == "above" else "falls")
