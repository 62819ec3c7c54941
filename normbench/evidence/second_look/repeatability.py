"""Computes how likely a second run gives a claim the same verdict, if the first run's seeds are what seeds are like.

The first run's numbers are drawn again, with replacement, as many as there were, and each draw is judged once at 5 %
(the bootstrap of Efron, 1979; as the chance that a result is found again, Goodman, 1992). Since only decided claims get
a second run, the first numbers are too good on average, and so is this chance: fewer may hold than it says.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from normbench.evidence.claims.claim import NEW_DATA
from normbench.evidence.claims.expectations import Expectation
from normbench.evidence.claims.margin_test import ExpectationResult
from normbench.evidence.claims.part_scale import ends_as_tested, margins_as_tested
from normbench.evidence.claims.verdict import ClaimVerdict
from normbench.evidence.claims.words import HOLDS, OPPOSITE
from normbench.evidence.statistics.corrected_t import corrected_p, overlap_of_interval
from normbench.evidence.statistics.corrections import ALPHA
from normbench.evidence.statistics.verdicts.sign_test import sign_counts
from normbench.evidence.statistics.verdicts.ties import FloatArray
from normbench.evidence.statistics.verdicts.typical_seed import guarded_p, one_sided_p

NUM_DRAWS = 400
BoolArray = npt.NDArray[np.bool_]


def chance_of_same_verdict(first: ClaimVerdict, expected: Sequence[Expectation]) -> float | None:
    """Return the share of draws from the first run's seeds in which a decided claim gets its verdict again.

    None where it is pooled over tasks: no chance is computed of these.

    Args:
        first: The first verdict.
        expected: What the claim expects, in the order of its parts.
    """
    if any(part.by_task for part in first.parts):
        return None
    n = len(first.seeds)
    places = np.random.default_rng(0).integers(n, size=(NUM_DRAWS, n))
    seeds = np.asarray(first.seeds)[places]
    parts = list(zip(first.parts, expected, strict=True))
    found = [_draws_found(first, part, one, _numbers(part, seeds), len(parts)) for part, one in parts]
    return float((np.all if first.verdict == HOLDS else np.any)(found, axis=0).mean())


def _numbers(part: ExpectationResult, seeds: npt.NDArray[np.int_]) -> FloatArray:
    found: FloatArray = np.vectorize(part.by_seed.__getitem__, otypes=[np.float64])(seeds)
    return found


def _draws_found(
    first: ClaimVerdict, part: ExpectationResult, expected: Expectation, drawn: FloatArray, num_parts: int
) -> BoolArray:
    """Return in which draws a part gets the claim's verdict; against a claim of k parts each is tested at 5 % / k."""
    low, high = margins_as_tested(part)
    overlap = overlap_of_interval(list(part.by_seed.values()), ends_as_tested(part), part.level)
    test = _Test(drawn, overlap if first.about == NEW_DATA else None)
    if first.verdict == HOLDS:
        return _holds(test, expected, low, high) <= ALPHA
    if high is None:
        margin = min(low, 0.0) if first.verdict == OPPOSITE else low
        return test.sides(margin)[1] * num_parts <= ALPHA
    if expected.every:
        return (sign_counts(drawn, low)[1] + sign_counts(drawn, high)[0]) > 0
    return np.minimum(test.sides(low)[1], test.sides(high)[0]) * num_parts <= ALPHA


class _Test:
    """The test of many draws at once: of typical seeds, or of means over splits with their overlap."""

    def __init__(self, drawn: FloatArray, overlap: float | None) -> None:
        self.drawn, self.overlap = drawn, overlap

    def inside(self, low: float, high: float) -> FloatArray:
        """Return the p of each draw for "between low and high": the larger of two one-sided ones."""
        if self.overlap is None:
            return np.maximum(one_sided_p(self.drawn, low)[0], one_sided_p(self.drawn, high)[1])
        return np.maximum(self.sides(low)[0], self.sides(high)[1]) / 2

    def sides(self, margin: float) -> tuple[FloatArray, FloatArray]:
        """Return the two-sided p of each draw for "above the margin", and for "below"."""
        if self.overlap is None:
            return guarded_p(self.drawn, margin)
        above, below = corrected_p(self.drawn, self.overlap, margin)
        return 2 * above, 2 * below


def _holds(test: _Test, expected: Expectation, low: float, high: float | None) -> FloatArray:
    """Return p of "holds" of each draw."""
    if high is None:
        return test.sides(low)[0]
    if expected.every:
        outside = sign_counts(test.drawn, low)[1] + sign_counts(test.drawn, high)[0]
        return np.where(outside > 0, 1.0, 0.0)
    return test.inside(low, high)
