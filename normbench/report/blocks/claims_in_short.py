"""Shows many claims in few lines: the names of those with the same outcome, or a line or two for each claim."""

from collections.abc import Sequence
from textwrap import shorten

from normbench.evidence.claims.deciding_part import deciding_part
from normbench.evidence.claims.outcomes import OUTCOMES, outcomes
from normbench.evidence.claims.verdict import ClaimVerdict
from normbench.report.blocks.block import Block, Line
from normbench.report.blocks.claim_facts import HEADINGS
from normbench.report.blocks.claim_numbers import numbers_text
from normbench.report.blocks.claims import INDENT, marked_words, summary_line


def names_by_outcome(verdicts: Sequence[ClaimVerdict]) -> Block:
    """Return a line for each outcome: how many claims have it, and their names."""
    found = list(zip(verdicts, outcomes(verdicts), strict=True))
    names = {outcome: [verdict.id for verdict, of in found if of == outcome] for outcome in OUTCOMES}
    return Block(lines=[Line(" ".join(of), f"{HEADINGS[outcome]} ({len(of)})") for outcome, of in names.items() if of])


def claims_in_short(verdicts: Sequence[ClaimVerdict], width: int, *, with_numbers: bool) -> list[Block]:
    """Return a line for each claim, and a second one with the numbers that its verdict rests on; then the summary."""
    words = marked_words(verdicts)
    blocks = [
        block
        for verdict, word in zip(verdicts, words, strict=True)
        for block in _claim(verdict, word, width, with_numbers=with_numbers)
    ]
    return [*blocks, Block(lines=[Line(summary_line(verdicts))], is_joined=True)]


def _claim(verdict: ClaimVerdict, word: str, width: int, *, with_numbers: bool) -> list[Block]:
    label = f"{verdict.id:5} {word.upper():11}"
    says = shorten(verdict.says, max(width - len(label) - len("  "), INDENT), placeholder=" ...")
    head = Block(lines=[Line(says, label, verdict=verdict.verdict)], is_joined=True)
    part = deciding_part(verdict)
    if not with_numbers or part is None:
        return [head]
    shown = Line(shorten(numbers_text(part), max(width - INDENT, INDENT), placeholder=" ..."))
    return [head, Block(lines=[shown], indent=INDENT, is_joined=True)]
