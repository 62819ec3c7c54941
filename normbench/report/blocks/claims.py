"""Writes the verdicts of claims, each with its numbers."""

import math
from collections.abc import Sequence

from normbench.evidence.claims.margin_test import DECIDED, ExpectationResult
from normbench.evidence.claims.study_verdicts import count_verdicts
from normbench.evidence.claims.verdict import ClaimVerdict
from normbench.report.blocks.block import Block, Line
from normbench.report.blocks.numbers import short

FALSE_VERDICTS = 0.05
INDENT = 6
OLD_WORDS = ("supported", "refuted")
"""Words of verdicts that were kept from runs of version 0.1.0, which tested the mean."""


def claims_blocks(verdicts: Sequence[ClaimVerdict]) -> list[Block]:
    """Return each claim with its verdict and numbers, and the number of claims with each verdict."""
    claims = [block for i, verdict in enumerate(verdicts) for block in _claim(verdict, is_joined=i > 0)]
    return [*claims, Block(lines=[Line(summary_line(verdicts))], is_joined=bool(verdicts))]


def _claim(verdict: ClaimVerdict, *, is_joined: bool) -> list[Block]:
    quote = verdict.source.get("quote", "")
    quoted = [f"“{quote}” {verdict.source.get('title', '')}".rstrip()] if quote else []
    settings = [f"settings {verdict.hash} of {verdict.date}"] if verdict.hash else []
    found_texts = [*quoted, *map(part_text, verdict.parts), *([verdict.why] if verdict.why else []), *settings]
    again = Line(verdict.command, "again", is_command=True)
    head = Block(lines=[Line(verdict.says, f"{verdict.id:5} {verdict.verdict.upper():11}")], is_joined=is_joined)
    texts = Block(lines=[Line(text) for text in found_texts], indent=INDENT, is_joined=True)
    return [head, texts, Block(lines=[again], indent=INDENT, is_joined=True)]


def summary_line(verdicts: Sequence[ClaimVerdict]) -> str:
    """Return the number of claims with each verdict, and how many verdicts may be wrong by chance."""
    if not verdicts:
        return "No claims. A study file makes them under claims:"
    found = count_verdicts(verdicts)
    numbers = ", ".join(f"{number} {verdict}" for verdict, number in found.items())
    decided = sum(found.get(word, 0) for word in DECIDED + OLD_WORDS)
    expected = (
        f" At 5 % each, at most {FALSE_VERDICTS * decided:.1f} of the {decided} verdicts are expected to be false."
    )
    return f"{len(verdicts)} claims: {numbers}." + (expected if decided else "")


def part_text(part: ExpectationResult) -> str:
    """Return one tested expectation as text: effect, margin, seeds beyond it, p and verdict.

    Example:
        >>> numbers = (8, 1.3, 1.1, 1.5, (1.05,), 0.01, 0.01)
        >>> found = ExpectationResult("a < b by 0.05", "test_loss", True, *numbers, "holds", num_held=8)
        >>> part_text(found)
        'a < b by 0.05 · test_loss: x 1.30 [1.10, 1.50], expected > 1.05 · 8 of 8 seeds, p 0.01 · holds'
    """
    needed = f", {part.seeds_needed} needed" if part.seeds_needed else ""
    found = f"{part.expectation} · {part.metric}: {effect_with_interval(part)}, expected {expected(part)}"
    return f"{found} · {seeds_held(part)}, p {part.p_corrected:.2g} · {part.verdict}{needed}"


def seeds_held(part: ExpectationResult) -> str:
    """Return how many seeds alone keep the margin; verdicts of version 0.1.0 did not count them."""
    return f"{part.num_held} of {part.n} seeds" if part.by_seed or part.num_held else f"n {part.n}"


def effect_with_interval(part: ExpectationResult) -> str:
    """Return an effect with its 95 % interval: a ratio as "x 1.30", a difference as a number."""
    value = f"{'x ' if part.is_share else ''}{short(part.effect)}"
    is_open = not math.isfinite(part.high) and not (math.isfinite(part.low) and part.low)
    return value if is_open else f"{value} [{short(part.low)}, {short(part.high)}]"


def expected(part: ExpectationResult) -> str:
    """Return the margins of an effect as text."""
    if len(part.margins) == 1:
        return f"> {short(part.margins[0])}"
    return f"{short(part.margins[0])} to {short(part.margins[1])}" if part.margins else "-"
