"""VerdictPs: the p of each verdict that an expectation can get, on one task, on several, on tasks like these."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from normbench.evidence.claims.expectations import Expectation
from normbench.evidence.claims.words import CANNOT_TELL, HOLDS, OPPOSITE, SMALLER
from normbench.evidence.statistics.corrections import holm
from normbench.evidence.statistics.verdict_rule import VerdictRule

Sides = Callable[[float], tuple[float, float]]
"""Returns the two-sided p for "above a margin", and for "below"."""
Inside = Callable[[float, float], float]
"""Returns p of "between two ends"."""


@dataclass(frozen=True)
class VerdictPs:
    """The p values of the three verdicts that an expectation can get.

    Attributes:
        holds: That the number is beyond its margin, or between the two.
        short: That it falls short of the margin, or lies outside.
        opposite: That it lies on the other side of no effect.
    """

    holds: float
    short: float
    opposite: float

    def verdict(self, rule: VerdictRule) -> str:
        """Return the verdict, of p that are corrected for all that is tested beside them."""
        if rule.decides(self.holds):
            return HOLDS
        if rule.decides(self.opposite):
            return OPPOSITE
        return SMALLER if rule.decides(self.short) else CANNOT_TELL

    def p_of(self, verdict: str) -> float:
        """Return the p of a verdict; where nothing is decided, the smallest."""
        by_verdict = {HOLDS: self.holds, OPPOSITE: self.opposite, SMALLER: self.short}
        return by_verdict.get(verdict, min(by_verdict.values()))


def ps_of_margins(expectation: Expectation, sides: Sides, inside: Inside) -> VerdictPs:
    """Return the p of an expectation of one margin, or of two ends, outside which the interval lies beyond one."""
    low, high = expectation.low, expectation.high
    if high is None:
        above, below = sides(low)
        return VerdictPs(above, below, opposite=sides(min(low, 0.0))[1])
    outside = min(sides(low)[1], sides(high)[0])
    return VerdictPs(inside(low, high), outside, outside)


def corrected_against(tests: Sequence[VerdictPs]) -> list[VerdictPs]:
    """Return the p of parts that must all hold: only what speaks against one is corrected over them (Holm)."""
    return [VerdictPs(test.holds, short, opposite) for test, (_, short, opposite) in _with_holm(tests)]


def corrected_each(tests: Sequence[VerdictPs]) -> list[VerdictPs]:
    """Return the p of tests of which each may get its verdict: each verdict is corrected over all of them (Holm)."""
    return [VerdictPs(*ps) for _, ps in _with_holm(tests)]


def _with_holm(tests: Sequence[VerdictPs]) -> list[tuple[VerdictPs, tuple[float, float, float]]]:
    of_holds, of_short = holm([test.holds for test in tests]), holm([test.short for test in tests])
    of_opposite = holm([test.opposite for test in tests])
    return list(zip(tests, zip(of_holds, of_short, of_opposite, strict=True), strict=True))
