"""Writes what is known of a verdict beside its first runs: a second run, second-best values, why it cannot be told."""

from normbench.evidence.claims.later_looks import HELD, OpenReason, SecondRun
from normbench.evidence.claims.verdict import ClaimVerdict

SECOND_WORDS = {HELD: "held", "open": "left open", "fell": "overturned"}


def later_texts(verdict: ClaimVerdict) -> list[str]:
    """Return a line for a second run, one for second-best values and one for why it cannot be told; mostly few."""
    second = [second_text(verdict.second, is_finite=bool(verdict.data))] if verdict.second else []
    tuned = [f"at second-best values: {verdict.sensitivity}"] if verdict.sensitivity else []
    return [*second, *tuned, *([reason_text(verdict.reason)] if verdict.reason else [])]


def reason_text(reason: OpenReason) -> str:
    """Return why a claim cannot be told in a few words, with the effect that its runs could have found.

    Example:
        >>> reason_text(OpenReason("too dear", found_with_80_percent=1.12))
        'too dear: so many seeds find an effect of 1.12 in 4 of 5 studies'
    """
    found = reason.found_with_80_percent
    power = "" if found is None else f": so many seeds find an effect of {found:.3g} in 4 of 5 studies"
    return f"{reason.kind}{power}"


def second_text(second: SecondRun, *, is_finite: bool) -> str:
    """Return what a second run says of a verdict; on finite data its new splits are of the same rows.

    Example:
        >>> second_text(SecondRun("held", 8, 1.3, 1.1, 1.5, 0.0078, 0.914), is_finite=True)
        'second run: held on these rows with 8 new splits, p 0.0078 (expected in 91 % of such runs)'
    """
    where, unit = (" on these rows", "splits") if is_finite else ("", "seeds")
    p = "" if second.p is None else f", p {second.p:.2g}"
    chance = second.expected_held
    expected = "" if chance is None else f" (expected in {100 * chance:.0f} % of such runs)"
    return f"second run: {SECOND_WORDS[second.verdict]}{where} with {second.n} new {unit}{p}{expected}"
