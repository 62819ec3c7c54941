"""The JSON of `normbench claims`: an object per claim."""

from collections.abc import Sequence
from dataclasses import dataclass

from normbench.evidence.claims.verdict import ClaimVerdict
from normbench.report.pages.documents.base import Document, Patches
from normbench.report.pages.json_text import LATER_LOOKS, OF_TASKS

SEEDS: Patches = {
    ("ExpectationResult", "by_seed"): {
        "type": "object",
        "additionalProperties": {"anyOf": [{"type": "number"}, {"enum": ["inf", "-inf", "nan"]}]},
    }
}
"""A run's number that is not finite is a word here, whose sign says in which direction the run diverged."""


@dataclass(frozen=True)
class ClaimEntry(ClaimVerdict):
    """A claim's verdict; the numbers of its only expectation, if it has one, are also keys of the claim.

    Attributes:
        survives_many_claims: Whether the verdict survives the correction over all claims of the command; null where
            there is none.
        n: Number of seeds.
        effect: Pseudo-median over seeds of the number that is compared with the margins.
        low: Lower end of its interval.
        high: Upper end of it.
        p: p of the verdict, or of the nearest one where none is given.
        p_corrected: The same after Holm's correction over the parts.
        margins: One margin that the effect must exceed, or two that it must lie between.
    """

    survives_many_claims: bool | None = None
    n: int = 0
    effect: float = 0.0
    low: float = 0.0
    high: float = 0.0
    p: float = 0.0
    p_corrected: float = 0.0
    margins: Sequence[float] = ()


OF_ONE_EXPECTATION = ("n", "effect", "low", "high", "p", "p_corrected", "margins")
MAY_LACK = [
    *(("ClaimEntry", key) for key in (*OF_ONE_EXPECTATION, *LATER_LOOKS)),
    *(("ExpectationResult", key) for key in OF_TASKS),
]
DOCUMENT = Document(
    "claims",
    "normbench claims",
    "A claim's verdict with the numbers behind it, expectation by expectation.",
    (ClaimEntry,),
    is_list=True,
    patched=SEEDS,
    may_lack=MAY_LACK,
)
