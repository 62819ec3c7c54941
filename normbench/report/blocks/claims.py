"""Writes the verdicts of claims, each with its numbers."""

from collections.abc import Sequence
from typing import get_args

from normbench.evidence.claims.claim import THESE_ROWS
from normbench.evidence.claims.later_looks import FELL, SecondVerdict
from normbench.evidence.claims.many_claims import ManyClaims, judge_together
from normbench.evidence.claims.study_verdicts import count_verdicts
from normbench.evidence.claims.verdict import ClaimVerdict
from normbench.evidence.claims.words import DECIDED
from normbench.report.blocks.block import Block, Column, Line, Table, keys, words
from normbench.report.blocks.claim_looks import WHY, later_looks
from normbench.report.blocks.claim_numbers import (
    effect_with_interval,
    expected,
    measured,
    p_text,
    part_text,
    seeds_held,
)
from normbench.report.blocks.claim_tasks import task_texts

INDENT = 6
NUM_WORDS = 3
"""Columns of words in the table of claims, behind their names."""
LOST_MARK = "†"
"""Behind a verdict that does not survive if all claims are counted."""
FELL_MARK = "‡"
"""Behind a verdict against which a second run decided."""
CORRECTION = "the correction for many claims (Benjamini and Hochberg, 5 %)"


def claims_blocks(verdicts: Sequence[ClaimVerdict], *, with_origin: bool = True) -> list[Block]:
    """Return each claim with its verdict and numbers, and the number of claims with each verdict.

    Args:
        verdicts: The claims, tested.
        with_origin: Add the settings that each claim rests on, and the command that runs it again.
    """
    words = marked_words(verdicts)
    claims = [
        block
        for i, (verdict, word) in enumerate(zip(verdicts, words, strict=True))
        for block in _claim(verdict, word, is_joined=i > 0, with_origin=with_origin)
    ]
    return [*claims, Block(lines=[Line(summary_line(verdicts))], is_joined=bool(verdicts))]


def claims_table(verdicts: Sequence[ClaimVerdict]) -> Table:
    """Return a row per expectation, with the verdict of its claim where there is but one."""
    words_ = marked_words(verdicts)
    rows = [row for verdict, word in zip(verdicts, words_, strict=True) for row in _table_rows(verdict, word)]
    titles = ("claim", "says", "verdict", "metric", "effect", "expected", "seeds", "p")
    columns = list(zip(*rows, strict=True)) or [()] * len(titles)
    first, *others = zip(titles, columns, strict=True)
    made = [(words if i < NUM_WORDS else Column)(*one) for i, one in enumerate(others)]
    return Table([keys(*first), *made], sorted({part.n for verdict in verdicts for part in verdict.parts}))


def _table_rows(verdict: ClaimVerdict, word: str) -> list[tuple[str, ...]]:
    if not verdict.parts:
        return [(verdict.id, verdict.says, f"{word}: {verdict.why}" if verdict.why else word, "", "", "", "", "")]
    is_one = len(verdict.parts) == 1
    return [
        (
            verdict.id,
            verdict.says if is_one else f"{verdict.says}: {part.expectation}",
            word if is_one else part.verdict,
            measured(part),
            effect_with_interval(part),
            expected(part),
            seeds_held(part),
            p_text(part),
        )
        for part in verdict.parts
    ]


def marked_words(verdicts: Sequence[ClaimVerdict]) -> list[str]:
    """Return the word of each verdict, with its marks."""
    survives = judge_together(verdicts).survives
    return [" ".join([one.verdict, *marks(one, found)]) for one, found in zip(verdicts, survives, strict=True)]


def marks(verdict: ClaimVerdict, survives: bool | None) -> list[str]:
    """Return the marks of a verdict that does not survive if all claims are counted, or whose second run fell."""
    fell = verdict.second is not None and verdict.second.verdict == FELL
    return [LOST_MARK] * (survives is False) + [FELL_MARK] * fell


def _claim(verdict: ClaimVerdict, word: str, *, is_joined: bool, with_origin: bool) -> list[Block]:
    quote = verdict.source.get("quote", "")
    quoted = [f"“{quote}” {verdict.source.get('title', '')}".rstrip()] if quote else []
    settings = [f"settings {verdict.hash} of {verdict.date}"] if verdict.hash and with_origin else []
    about = [about_text(verdict)] if verdict.about and verdict.parts else []
    parts = [text for part in verdict.parts for text in (part_text(part), *task_texts(part))]
    looks = later_looks(verdict)
    why = [verdict.why] if verdict.why and WHY not in dict(looks) else []
    said = [f"{label}: {text}" for label, text in looks]
    discussed = [f"discussion: {' '.join(verdict.discussion.split())}"] if verdict.discussion else []
    found_texts = [*quoted, *parts, *about, *why, *said, *discussed, *settings]
    again = [Line(verdict.command, "again", is_command=True)] if with_origin else []
    head = Block(
        lines=[Line(verdict.says, f"{verdict.id:5} {word.upper():11}", verdict=verdict.verdict)], is_joined=is_joined
    )
    texts = Block(lines=[Line(text) for text in found_texts], indent=INDENT, is_joined=True)
    return [head, texts, *(Block(lines=[line], indent=INDENT, is_joined=True) for line in again)]


def about_text(verdict: ClaimVerdict) -> str:
    """Return what a verdict on finite data is about: new data by the corrected t, or the rows that there are."""
    if verdict.about == THESE_ROWS:
        return f"about these {verdict.data} alone"
    unit = verdict.data.split()[-1] if verdict.data else "data"
    return f"about new {unit} like these {verdict.data}: means over splits, corrected t"


def summary_line(verdicts: Sequence[ClaimVerdict]) -> str:
    """Return the number of claims with each verdict, how many may be false by chance, and how many survive together."""
    if not verdicts:
        return "No claims. A study file makes them under claims:"
    found = [f"{number} {verdict}" for verdict, number in count_verdicts(verdicts).items()]
    counts = f"{len(verdicts)} claim{'s' * (len(verdicts) > 1)}: {', '.join(found)}."
    return " ".join(filter(None, (counts, together_text(verdicts))))


def together_text(verdicts: Sequence[ClaimVerdict]) -> str:
    """Return what is to be known of all verdicts: how many chance may make, what survives, what second runs found."""
    return " ".join(filter(None, (chance_and_correction(verdicts), _second_runs_text(verdicts))))


def _second_runs_text(verdicts: Sequence[ClaimVerdict]) -> str:
    found = [one.second.verdict for one in verdicts if one.second]
    told = ", ".join(f"{found.count(word)} {word}" for word in get_args(SecondVerdict) if word in found)
    if not told:
        return ""
    decided = sum(one.verdict in DECIDED for one in verdicts)
    marked = f", marked {FELL_MARK}" * (FELL in found)
    return f"Second runs of {len(found)} of {decided} decided claims on other seeds: {told}{marked}."


def chance_and_correction(verdicts: Sequence[ClaimVerdict]) -> str:
    """Return how many verdicts may be false by chance, and how many survive if all claims are counted."""
    together = judge_together(verdicts)
    return " ".join(filter(None, (_chance_text(together), _correction_text(together))))


def _chance_text(together: ManyClaims) -> str:
    """Return how many of the tested claims may have a false verdict; "" where none has a verdict."""
    if not together.num_decided:
        return ""
    number, tested = len(together.survives), together.num_tested
    if number == 1:
        return "It was tested at 5 %: one such verdict in twenty may be false."
    which = f"All {number} claims" if tested == number else f"Of {number} claims {tested}"
    were = "was" if tested == 1 else "were"
    return f"{which} {were} tested; at 5 % up to {together.most_false:.3g} of them may have a false verdict."


def _correction_text(together: ManyClaims) -> str:
    """Return how many verdicts survive a correction over all claims; "" for a single tested claim."""
    if together.num_tested < 2 or not together.num_decided:
        return ""
    if not together.num_lost:
        return f"All verdicts survive {CORRECTION}."
    lost = f"{together.num_lost} of {together.num_decided} verdicts, marked {LOST_MARK}"
    return f"{lost}, {'does' if together.num_lost == 1 else 'do'} not survive {CORRECTION}."
