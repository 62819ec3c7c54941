"""Tests the numbers of an expectation, one per seed, against its margins: supported, refuted or cannot tell.

The rules are in docs/methods.md, "6. Claims".
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from normbench.evidence.claims.expectations import Expectation
from normbench.evidence.statistics.corrections import ALPHA, holm, seeds_for_a_verdict
from normbench.evidence.statistics.means import mean_of
from normbench.evidence.statistics.paired_effect import seeds_for_power, sign_flip_p
from normbench.evidence.statistics.student import mean_and_half_width

SUPPORTED, REFUTED, CANNOT_TELL, TOO_FEW = "supported", "refuted", "cannot tell", "too few seeds"


@dataclass(frozen=True)
class ExpectationResult:
    """One expectation of a claim with its test and verdict.

    Attributes:
        expectation: The expectation in words: "weight_decay < normal by 0.05".
        metric: The metric that is compared.
        is_share: Whether effect, interval and margins are ratios; else they are differences.
        n: Number of seeds.
        effect: Mean over seeds of the number that is compared with the margins.
        low: Lower end of its 95 % interval.
        high: Upper end of its 95 % interval.
        margins: One margin that the effect must exceed, or two that it must lie between.
        p: Two-sided p of the sign-flip test against the nearest margin that decides.
        p_corrected: p after Holm's correction over the claim's expectations.
        verdict: supported, refuted, cannot tell or too few seeds.
        seeds_needed: Number of seeds that a verdict would need.
    """

    expectation: str
    metric: str
    is_share: bool
    n: int
    effect: float
    low: float
    high: float
    margins: tuple[float, ...]
    p: float
    p_corrected: float
    verdict: str
    seeds_needed: int | None = None


@dataclass(frozen=True)
class _Test:
    """The p values for support and for refutation, and the distance from the margin for each seed."""

    supports: float
    refutes: float
    distances: Sequence[float]


def judge_expectations(
    numbers: Sequence[tuple[Expectation, Mapping[int, float]]], untested: Sequence[ExpectationResult]
) -> list[ExpectationResult]:
    """Test each expectation of a claim and give it its verdict.

    Args:
        numbers: Each expectation with its number per seed, logarithms where effects are ratios.
        untested: The same expectations in words, to be completed with test and verdict.
    """
    tests = [_test(expectation, list(by_seed.values())) for expectation, by_seed in numbers]
    ps = [min(test.supports, test.refutes) for test in tests]
    judged = zip(numbers, untested, tests, ps, holm(ps), strict=True)
    return [_with_verdict(e, list(d.values()), part, test, p, c, len(ps)) for (e, d), part, test, p, c in judged]


def combined_verdict(verdicts: Sequence[str]) -> str:
    """Return the verdict of a claim from those of its expectations: supported if all are, refuted if one is."""
    if REFUTED in verdicts:
        return REFUTED
    if all(verdict == SUPPORTED for verdict in verdicts):
        return SUPPORTED
    return TOO_FEW if TOO_FEW in verdicts else CANNOT_TELL


def _test(expectation: Expectation, numbers: Sequence[float]) -> _Test:
    if not numbers or not all(map(math.isfinite, numbers)):
        return _Test(1.0, 1.0, numbers)
    if expectation.every and expectation.high is not None:
        return _test_every_run(numbers, expectation.low, expectation.high)
    over_low = [number - expectation.low for number in numbers]
    above, below = _one_sided(over_low)
    if expectation.high is None:
        return _Test(above, below, over_low)
    under_high = [expectation.high - number for number in numbers]
    inside, outside = _one_sided(under_high)
    nearest = min(over_low, under_high, key=mean_of)
    return _Test(max(above, inside), min(1.0, 2 * min(below, outside)), nearest)


def _one_sided(distances: Sequence[float]) -> tuple[float, float]:
    """Return p for a mean above 0 and p for a mean below 0: the two-sided p for the observed side, 1 for the other."""
    p, mean = sign_flip_p(distances), mean_of(distances)
    return (p if mean > 0 else 1.0), (p if mean < 0 else 1.0)


def _test_every_run(numbers: Sequence[float], low: float, high: float) -> _Test:
    """Test that every run keeps the margins: one outside refutes; all inside reject that half of the runs do not."""
    is_inside = all(low <= number <= high for number in numbers)
    distances = [min(number - low, high - number) for number in numbers]
    return _Test(0.5 ** (len(numbers) - 1), 1.0, distances) if is_inside else _Test(1.0, 0.0, distances)


def _with_verdict(
    expectation: Expectation,
    numbers: Sequence[float],
    part: ExpectationResult,
    test: _Test,
    p: float,
    p_corrected: float,
    num_parts: int,
) -> ExpectationResult:
    write = math.exp if part.is_share and not expectation.is_raw else float
    mean, half = mean_and_half_width(numbers) if all(map(math.isfinite, numbers)) else (math.nan, math.inf)
    ends = [expectation.low] + ([] if expectation.high is None else [expectation.high])
    found = replace(
        part,
        n=len(numbers),
        effect=_or_infinite(write, mean),
        low=_or_infinite(write, mean - half),
        high=_or_infinite(write, mean + half),
        margins=tuple(_or_infinite(write, end) for end in ends),
        p=p,
        p_corrected=p_corrected,
    )
    fewest = seeds_for_a_verdict(num_parts)
    if len(numbers) < fewest and p > 0:
        return replace(found, verdict=TOO_FEW, seeds_needed=fewest)
    if p_corrected > ALPHA:
        needed = seeds_for_power(test.distances, fewest)
        return replace(found, verdict=CANNOT_TELL, seeds_needed=needed)
    return replace(found, verdict=SUPPORTED if test.supports <= test.refutes else REFUTED)


def _or_infinite(write: object, value: float) -> float:
    assert callable(write)
    try:
        return float(write(value))
    except OverflowError:
        return math.inf
