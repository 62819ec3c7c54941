"""What is known of a verdict beside its first runs: a second run, and why a claim cannot be told."""

from dataclasses import dataclass
from typing import Literal

SecondVerdict = Literal["held", "open", "fell"]
ReasonKind = Literal["at the margin", "too dear", "ill-posed"]
ILL_POSED: ReasonKind = "ill-posed"
HELD: SecondVerdict = "held"
FELL: SecondVerdict = "fell"


@dataclass(frozen=True)
class SecondRun:
    """A decided claim, judged again on other seeds.

    Attributes:
        verdict: held if decided the same way, open if not decided, fell if decided another way.
        n: Number of seeds of the second run.
        effect: Its effect in the part that is told, compared with the same margins.
        low: Lower end of its interval.
        high: Upper end of it.
        p: p of its verdict.
        expected_held: Chance of deciding the same again, were the first estimate true.
        part: Which part of the claim is told, from 0: the one its verdict rests on.
    """

    verdict: SecondVerdict
    n: int = 0
    effect: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    expected_held: float | None = None
    part: int = 0


@dataclass(frozen=True)
class OpenReason:
    """Why a claim cannot be told.

    Attributes:
        kind: at the margin, too dear or ill-posed.
        text: What says so, in a clause.
        found_with_80_percent: The effect that so many seeds find four times out of five.
        part: Which part of the claim is told, from 0: the least decided one; None where the claim was not judged.
    """

    kind: ReasonKind
    text: str = ""
    found_with_80_percent: float | None = None
    part: int | None = None
