"""Writes the numbers of a claim's tested expectations: effect with interval, margins, seeds and p."""

import math

from normbench.evidence.claims.margin_test import ExpectationResult
from normbench.evidence.claims.verdict import ClaimVerdict
from normbench.evidence.claims.words import CANNOT_TELL, TOO_FEW
from normbench.evidence.statistics.corrections import ALPHA
from normbench.evidence.statistics.verdict_rule import INCOMPLETE, NOT_AT_CHECK
from normbench.report.blocks.checks import level_text
from normbench.report.blocks.effect_text import ends_text, points
from normbench.report.blocks.numbers import short


def part_text(part: ExpectationResult) -> str:
    """Return one tested expectation as text: effect, margin, seeds beyond it, p and verdict.

    Example:
        >>> numbers = (8, 1.3, 1.1, 1.5, (1.05,), 0.01, 0.01)
        >>> found = ExpectationResult("a < b by 0.05", "test_loss", True, *numbers, "holds", num_held=8)
        >>> part_text(found)
        'a < b by 0.05 · test_loss: x 1.30 [1.10, 1.50], expected > 1.05 · 8 of 8 seeds, p 0.01 · holds'
    """
    next_ = "needed" if part.verdict == TOO_FEW else "are judged next"
    is_told = part.seeds_needed and part.verdict != CANNOT_TELL  # version 0.1.0 guessed another number there
    needed = f", {part.seeds_needed} {next_}" if is_told else ""
    found = f"{part.expectation} · {measured(part)}: {effect_with_interval(part)}, expected {expected(part)}"
    level = f" at level {level_text(part.level)}" if 0 < part.level < ALPHA else ""
    return f"{found} · {_seeds_and_p(part)}{level} · {part.verdict}{needed}"


def _seeds_and_p(part: ExpectationResult) -> str:
    return ", p ".join(filter(None, (seeds_held(part), p_text(part))))


def p_text(part: ExpectationResult) -> str:
    """Return the corrected p; "" where so many seeds are not judged."""
    return "" if part.verdict in (NOT_AT_CHECK, INCOMPLETE) else f"{part.p_corrected:.2g}"


def seeds_held(part: ExpectationResult) -> str:
    """Return how many seeds alone keep the margin; verdicts of version 0.1.0 did not count them."""
    of_tasks = f" of {len(part.by_task)} tasks" if part.by_task else ""
    return f"{part.num_held} of {part.n} seeds{of_tasks}" if part.by_seed or part.num_held else f"n {part.n}"


def effect_with_interval(part: ExpectationResult) -> str:
    """Return an effect with its interval: a ratio as "x 1.30", a difference as a number or in points."""
    if math.isinf(part.effect) or (part.is_share and part.effect == 0.0):  # of the typical seed one run diverged
        return "diverged"
    if math.isnan(part.effect):
        return "no number"
    if part.is_points:
        return ends_text("test_accuracy", (part.effect, part.low, part.high), is_ratio=False)
    value = effect_alone(part, part.effect)
    return f"{value} [{short(part.low)}, {short(part.high)}]" if has_interval(part) else value


def has_interval(part: ExpectationResult) -> bool:
    """Return whether an end of an effect's interval is known; at 0 a ratio's lower end excludes nothing."""
    return math.isfinite(part.high) or (math.isfinite(part.low) and not (part.is_share and part.low == 0))


def expected(part: ExpectationResult) -> str:
    """Return the margins of an effect as text."""
    write, unit = (points, " points") if part.is_points else (short, "")
    if len(part.margins) == 1:
        return f"> {write(part.margins[0])}{unit}"
    return f"{write(part.margins[0])} to {write(part.margins[1])}{unit}" if part.margins else "-"


def found_text(verdict: ClaimVerdict, part: ExpectationResult | None) -> str:
    """Return the numbers that a verdict rests on, and of several parts which one they are of."""
    if part is None:
        return ""
    of = f"; {rests_on(part)}" if len(verdict.parts) > 1 else ""
    return f"{numbers_text(part)}{of}"


def numbers_text(part: ExpectationResult) -> str:
    """Return the numbers of a tested expectation: metric, effect with interval, what was expected, seeds and p."""
    return f"{measured(part)} {effect_with_interval(part)}, expected {expected(part)} · {_seeds_and_p(part)}"


def measured(part: ExpectationResult) -> str:
    """Return what an effect is of: a metric, or how it rises along a setting, by Kendall's tau."""
    return f"tau of {part.metric}" if part.kind == "trend" else part.metric


def rests_on(part: ExpectationResult) -> str:
    """Return which of a claim's parts numbers are of."""
    return f"it rests on {part.expectation}"


def effect_alone(part: ExpectationResult, effect: float) -> str:
    """Return an effect on the scale of a part: "x 1.30", "+1.2 points" or a number."""
    if part.is_points:
        return f"{points(effect)} points"
    return f"{'x ' if part.is_share else ''}{short(effect)}"
