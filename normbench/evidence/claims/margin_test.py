"""Tests the numbers of an expectation, one per seed: holds, opposite, smaller than claimed, or cannot tell.

The rules are in docs/methods.md, "6. Claims".
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from normbench.evidence.claims.expectations import Expectation
from normbench.evidence.statistics.corrections import ALPHA, holm, seeds_for_a_verdict
from normbench.evidence.statistics.student import exp
from normbench.evidence.statistics.verdicts.equivalence import equivalence_p
from normbench.evidence.statistics.verdicts.typical_seed import guarded_p, typical_seed

HOLDS, OPPOSITE, SMALLER = "holds", "opposite", "smaller than claimed"
CANNOT_TELL, TOO_FEW = "cannot tell", "too few seeds"
DECIDED = (HOLDS, OPPOSITE, SMALLER)


@dataclass(frozen=True)
class ExpectationResult:
    """One expectation of a claim with its test and verdict.

    Attributes:
        expectation: The expectation in words: "weight_decay < normal by 0.05".
        metric: The metric that is compared.
        is_share: Whether effect, interval and margins are ratios; else they are differences.
        n: Number of seeds.
        effect: Pseudo-median over seeds of the number that is compared with the margins.
        low: Lower end of its 95 % interval: the margins with p > 0.05.
        high: Upper end of its 95 % interval.
        margins: One margin that the effect must exceed, or two that it must lie between.
        p: p of the verdict, or of the nearest one where none is given: "holds" at its own level.
        p_corrected: The same; that of "opposite" and "smaller than claimed" after Holm's correction over the parts.
        verdict: holds, opposite, smaller than claimed, cannot tell or too few seeds.
        num_held: Seeds whose own number is beyond the margin, or between the two.
        seeds_needed: Fewest seeds with which a verdict is possible, where there are too few.
        by_seed: The number of each seed as it was tested: logarithms of ratios; inf where a run diverged.
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
    num_held: int = 0
    seeds_needed: int | None = None
    by_seed: Mapping[int, float] = field(default_factory=dict)


@dataclass(frozen=True)
class _Test:
    """The p values of the three verdicts that an expectation can get; "short" is what falls short of the margin."""

    holds: float
    short: float
    opposite: float


def judge_expectations(
    numbers: Sequence[tuple[Expectation, Mapping[int, float]]], untested: Sequence[ExpectationResult]
) -> list[ExpectationResult]:
    """Test each expectation of a claim and give it its verdict.

    All parts must hold, so each is tested at 5 % (intersection-union test; Berger, 1982). One that does not hold is
    enough against the claim, so there p is corrected over the parts.

    Args:
        numbers: Each expectation with its number per seed, logarithms where effects are ratios.
        untested: The same expectations in words, to be completed with test and verdict.
    """
    tests = [_test(expectation, list(by_seed.values())) for expectation, by_seed in numbers]
    shorts, opposites = holm([test.short for test in tests]), holm([test.opposite for test in tests])
    corrected = [_Test(t.holds, short, opposite) for t, short, opposite in zip(tests, shorts, opposites, strict=True)]
    judged = zip(numbers, untested, tests, corrected, strict=True)
    return [_with_verdict(e, of, part, test, after) for (e, of), part, test, after in judged]


def combined_verdict(verdicts: Sequence[str]) -> str:
    """Return the verdict of a claim from those of its expectations: it holds if all do, and fails if one does."""
    for failed in (OPPOSITE, SMALLER):
        if failed in verdicts:
            return failed
    if all(verdict == HOLDS for verdict in verdicts):
        return HOLDS
    return TOO_FEW if TOO_FEW in verdicts else CANNOT_TELL


def _test(expectation: Expectation, numbers: Sequence[float]) -> _Test:
    low, high = expectation.low, expectation.high
    if not numbers:
        return _Test(1.0, 1.0, 1.0)
    if high is not None:
        return _test_every_run(numbers, low, high) if expectation.every else _test_between(numbers, low, high)
    above, below = (float(p) for p in guarded_p(numbers, low))
    opposite = float(guarded_p(numbers, min(low, 0.0))[1])
    return _Test(above, below, opposite)


def _test_between(numbers: Sequence[float], low: float, high: float) -> _Test:
    """Test for inside by two one-sided tests, and for outside by the interval, which lies beyond one of the ends."""
    middle, half = (low + high) / 2, (high - low) / 2
    outside = min(float(guarded_p(numbers, low)[1]), float(guarded_p(numbers, high)[0]))
    return _Test(float(equivalence_p([number - middle for number in numbers], half)), outside, outside)


def _test_every_run(numbers: Sequence[float], low: float, high: float) -> _Test:
    """Test that every run keeps the margins: one outside is enough; all inside reject that half of the runs do not."""
    if any(map(math.isnan, numbers)):
        return _Test(1.0, 1.0, 1.0)
    is_inside = all(low <= number <= high for number in numbers)
    return _Test(0.5 ** (len(numbers) - 1), 1.0, 1.0) if is_inside else _Test(1.0, 0.0, 0.0)


def _with_verdict(
    expectation: Expectation, by_seed: Mapping[int, float], part: ExpectationResult, test: _Test, corrected: _Test
) -> ExpectationResult:
    write = exp if part.is_share and not expectation.is_raw else float
    numbers = list(by_seed.values())
    typical = typical_seed(numbers)
    verdict = _verdict(corrected)
    p, p_corrected = _p_of(verdict, test), _p_of(verdict, corrected)
    found = replace(
        part,
        n=len(numbers),
        effect=write(typical.value),
        low=write(typical.low),
        high=write(typical.high),
        margins=tuple(write(end) for end in (expectation.low, expectation.high) if end is not None),
        p=p,
        p_corrected=p_corrected,
        num_held=sum(_is_held(expectation, number) for number in numbers),
        by_seed=dict(by_seed),
    )
    fewest = seeds_for_a_verdict(1)
    if len(numbers) < fewest and p > 0:
        return replace(found, verdict=TOO_FEW, seeds_needed=fewest)
    return replace(found, verdict=verdict)


def _p_of(verdict: str, test: _Test) -> float:
    """Return the p of a verdict; where nothing is decided, the smallest."""
    by_verdict = {HOLDS: test.holds, OPPOSITE: test.opposite, SMALLER: test.short}
    return by_verdict.get(verdict, min(by_verdict.values()))


def _verdict(corrected: _Test) -> str:
    if corrected.holds <= ALPHA:
        return HOLDS
    if corrected.opposite <= ALPHA:
        return OPPOSITE
    return SMALLER if corrected.short <= ALPHA else CANNOT_TELL


def _is_held(expectation: Expectation, number: float) -> bool:
    return number > expectation.low and (expectation.high is None or number < expectation.high)
