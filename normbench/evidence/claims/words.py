"""The words of verdicts on claims."""

from normbench.evidence.statistics.verdict_words import CANNOT_TELL, DEPENDS, TOO_FEW

HOLDS, OPPOSITE, SMALLER = "holds", "opposite", "smaller than claimed"
DECIDED = (HOLDS, OPPOSITE, SMALLER, DEPENDS)

__all__ = ["CANNOT_TELL", "DECIDED", "DEPENDS", "HOLDS", "OPPOSITE", "SMALLER", "TOO_FEW"]
