"""Writes what is known of a verdict beside its first runs: why it cannot be told, a second run, second-best values."""

import math
from dataclasses import replace

from normbench.evidence.claims.later_looks import OpenReason, SecondRun
from normbench.evidence.claims.margin_test import ExpectationResult
from normbench.evidence.claims.verdict import ClaimVerdict
from normbench.report.blocks.claim_numbers import effect_alone, effect_with_interval, rests_on

WHY = "why"


def later_looks(verdict: ClaimVerdict) -> list[tuple[str, str]]:
    """Return a label and a sentence each for why it cannot be told, a second run, second-best values; mostly few."""
    why = [(WHY, _reason_text(verdict, verdict.reason))] if verdict.reason else []
    second = [("second run", _second_text(verdict, verdict.second))] if verdict.second else []
    tuned = [("second-best values", _tuning_text(verdict.sensitivity))] if verdict.sensitivity else []
    return [*why, *second, *tuned]


def _reason_text(verdict: ClaimVerdict, reason: OpenReason) -> str:
    """Return the kind of reason, the sentence that explains it, and the effect that so many seeds find."""
    text = f": {reason.text}" if reason.text else ""
    return f"{reason.kind}{text}{_power_text(verdict, reason)}{_of_part(verdict, reason.part)}"


def _power_text(verdict: ClaimVerdict, reason: OpenReason) -> str:
    found = reason.found_with_80_percent
    if found is None or reason.part is None:
        return ""
    part = verdict.parts[reason.part]
    effect = effect_alone(part, found)
    what = f"an effect of {effect}" if len(part.margins) == 1 else f"that it lies within ends {effect} away"
    return f"; {part.n} such seeds find {what} in 4 of 5 studies"


def _second_text(verdict: ClaimVerdict, second: SecondRun) -> str:
    """Return what a second run found; on finite data its new splits are of the same rows."""
    on = "new splits of these rows" if verdict.data else "new seeds"
    found = second.effect
    effect = "" if found is None else f": {_second_effect(verdict.parts[second.part], second, found)}"
    p = "" if second.p is None else f", p {second.p:.2g}"
    chance = second.expected_held
    expected = "" if chance is None else f"; the chance to hold was {100 * chance:.0f} %"
    return f"{second.verdict} on {second.n} {on}{effect}{p}{expected}{_of_part(verdict, second.part)}"


def _second_effect(part: ExpectationResult, second: SecondRun, effect: float) -> str:
    low = -math.inf if second.low is None else second.low
    high = math.inf if second.high is None else second.high
    return effect_with_interval(replace(part, effect=effect, low=low, high=high))


def _of_part(verdict: ClaimVerdict, number: int | None) -> str:
    """Return which part numbers are of, where a claim has several."""
    return f"; {rests_on(verdict.parts[number])}" if number is not None and len(verdict.parts) > 1 else ""


def _tuning_text(sensitivity: str) -> str:
    changed = sensitivity.removeprefix("changes: ")
    return "the same verdict" if changed == "same" else f"the verdict changes to {changed}"
