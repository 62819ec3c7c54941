"""Finds the part of a claim that its verdict rests on, whose numbers are shown and whose p is the claim's."""

from normbench.evidence.claims.margin_test import ExpectationResult
from normbench.evidence.claims.verdict import ClaimVerdict
from normbench.evidence.claims.words import CANNOT_TELL, HOLDS, OLD_WORDS

OF_ALL_PARTS = (HOLDS, OLD_WORDS[0], CANNOT_TELL)
"""Verdicts that rest on all parts of a claim; each other one rests on a single part."""


def deciding_part(verdict: ClaimVerdict) -> ExpectationResult | None:
    """Return the part that a verdict rests on: the least sure one where all must hold, else the surest that says it.

    Where a claim holds, its parts are an intersection-union test (Berger, 1982); the p of parts that speak against it
    are corrected over the parts already (Holm).
    """
    parts = [part for part in verdict.parts if part.verdict == verdict.verdict] or list(verdict.parts)
    choose = max if verdict.verdict in OF_ALL_PARTS else min
    return choose(parts, key=lambda part: part.p_corrected, default=None)
