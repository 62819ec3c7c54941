"""Judges many claims together: how many false verdicts 5 % allow, and which verdicts survive a correction over all.

The rules are in docs/methods.md, "6. Claims".
"""

from collections.abc import Sequence
from dataclasses import dataclass

from normbench.evidence.claims.verdict import INCOMPLETE, NOT_RUN, ClaimVerdict
from normbench.evidence.claims.words import CANNOT_TELL, HOLDS, TOO_FEW
from normbench.evidence.statistics.corrections import ALPHA
from normbench.evidence.statistics.false_discovery import discoveries
from normbench.evidence.statistics.verdict_rule import NOT_AT_CHECK

UNTESTED = (NOT_RUN, INCOMPLETE, TOO_FEW, NOT_AT_CHECK)
OLD_WORDS = ("supported", "refuted")
"""Words of verdicts that were kept from runs of version 0.1.0, which tested the mean."""
OF_ALL_PARTS = (HOLDS, OLD_WORDS[0], CANNOT_TELL)
"""Verdicts that rest on all parts of a claim; each other one rests on a single part."""


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
    """Return the p of a tested claim: all parts must hold, so then the largest; against it one is enough, the smallest.

    Where a claim holds, its parts are an intersection-union test (Berger, 1982); the p of parts that speak against it
    are corrected over the parts already (Holm).
    """
    if verdict.verdict in OF_ALL_PARTS:
        return max((part.p_corrected for part in verdict.parts), default=1.0)
    return min((part.p_corrected for part in verdict.parts if part.verdict == verdict.verdict), default=1.0)
