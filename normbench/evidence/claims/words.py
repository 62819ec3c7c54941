"""The words of verdicts on claims."""

from normbench.evidence.statistics.verdict_words import CANNOT_TELL, DEPENDS, TOO_FEW

HOLDS, OPPOSITE, SMALLER = "holds", "opposite", "smaller than claimed"
DECIDED = (HOLDS, OPPOSITE, SMALLER, DEPENDS)
OLD_WORDS = ("supported", "refuted")
"""Words of verdicts that were kept from runs of version 0.1.0, which tested the mean."""

__all__ = ["CANNOT_TELL", "DECIDED", "DEPENDS", "HOLDS", "OLD_WORDS", "OPPOSITE", "SMALLER", "TOO_FEW"]
