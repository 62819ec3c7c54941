"""The words of verdicts on claims."""

from normbench.evidence.statistics.verdict_words import CANNOT_TELL, DEPENDS, TOO_FEW

HOLDS, OPPOSITE, SMALLER = "holds", "opposite", "smaller than claimed"
DECIDED = (HOLDS, OPPOSITE, SMALLER, DEPENDS)
OLD_WORDS = ("supported", "refuted")
"""Words of verdicts that were kept from runs of version 0.1.0, which tested the mean."""
OF_TREND, OF_RANGE = ", tau > ", " in ["
"""Words by which an expectation of a trend, and one of a value between two ends, is known again."""

__all__ = [
    "CANNOT_TELL",
    "DECIDED",
    "DEPENDS",
    "HOLDS",
    "OF_RANGE",
    "OF_TREND",
    "OLD_WORDS",
    "OPPOSITE",
    "SMALLER",
    "TOO_FEW",
]
