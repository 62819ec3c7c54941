"""Judges many claims together: how many false verdicts 5 % allow, and which verdicts survive a correction over all.

The rules are in docs/methods.md, "6. Claims".
"""

from collections.abc import Sequence
from dataclasses import dataclass

from normbench.evidence.claims.deciding_part import deciding_part
from normbench.evidence.claims.verdict import INCOMPLETE, NOT_RUN, ClaimVerdict
from normbench.evidence.claims.words import CANNOT_TELL, TOO_FEW
from normbench.evidence.statistics.corrections import ALPHA
from normbench.evidence.statistics.false_discovery import discoveries
from normbench.evidence.statistics.verdict_rule import NOT_AT_CHECK

UNTESTED = (NOT_RUN, INCOMPLETE, TOO_FEW, NOT_AT_CHECK)


@dataclass(frozen=True)
class ManyClaims:
    """What becomes of verdicts if all claims of a page are counted.

    Attributes:
        num_tested: Number of claims that were tested; the others were not run, are incomplete, not at a check or have
            too few seeds.
        num_decided: Number of claims with a verdict other than "cannot tell".
        most_false: How many of the tested claims may have a false verdict at 5 % each, in the mean.
        survives: Of each claim, whether its verdict survives Benjamini and Hochberg's procedure; None without one.
    """

    num_tested: int
    num_decided: int
    most_false: float
    survives: Sequence[bool | None]

    @property
    def num_lost(self) -> int:
        """Number of verdicts that do not survive."""
        return sum(one is False for one in self.survives)


def judge_together(verdicts: Sequence[ClaimVerdict]) -> ManyClaims:
    """Return what becomes of verdicts if all claims are counted: at most 5 % of those that survive are false."""
    places = [i for i, verdict in enumerate(verdicts) if verdict.verdict not in UNTESTED]
    decided = [i for i in places if verdicts[i].verdict != CANNOT_TELL]
    found = dict(zip(places, discoveries([claim_p(verdicts[i]) for i in places]), strict=True))
    survives = [found[i] if i in decided else None for i in range(len(verdicts))]
    return ManyClaims(len(places), len(decided), ALPHA * len(places), survives)


def claim_p(verdict: ClaimVerdict) -> float:
    """Return the p of a tested claim: that of the part its verdict rests on; 1 without parts.

    At a planned check, whose level is below 5 %, it is raised by as much: a verdict could have come at any check.
    """
    part = deciding_part(verdict)
    return min(1.0, part.p_corrected * (ALPHA / part.level)) if part and part.level else 1.0
