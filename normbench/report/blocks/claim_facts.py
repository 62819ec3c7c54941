"""Says of a claim what a reader asks: what was found, whether it held again, what would change the verdict."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from normbench.evidence.claims.chinese import chinese_sentences
from normbench.evidence.claims.claim import NEW_DATA
from normbench.evidence.claims.deciding_part import deciding_part
from normbench.evidence.claims.many_claims import judge_together
from normbench.evidence.claims.margin_test import ExpectationResult
from normbench.evidence.claims.outcomes import Outcome, outcomes
from normbench.evidence.claims.verdict import NOT_RUN, ClaimVerdict
from normbench.evidence.claims.what_decides import nearest_margin, seeds_to_decide
from normbench.evidence.claims.words import CANNOT_TELL, DEPENDS, HOLDS, OLD_WORDS, OPPOSITE, TOO_FEW
from normbench.report.blocks.claim_looks import WHY, later_looks
from normbench.report.blocks.claim_numbers import effect_alone, expected, found_text, part_text
from normbench.report.blocks.claim_tasks import other_tasks_text, tasks_text
from normbench.report.blocks.claims import CORRECTION, about_text, marks

HEADINGS: Mapping[Outcome, str] = {
    "holds": "What holds",
    "opposite": "What is opposite",
    "smaller than claimed": "Smaller than claimed",
    "depends on the task": "Depends on the task",
    "cannot tell": "Cannot be told, and why",
    "not run": "Not run",
}
MANY = "many claims"
NOT_SURVIVED = f"does not survive {CORRECTION}"


@dataclass(frozen=True)
class ClaimFacts:
    """All that a page says of a claim, in words.

    Attributes:
        verdict: The claim.
        outcome: The section in which it stands.
        chinese: Its sentence in Chinese; "" where there is none.
        found: The numbers that decide, in a line; "" where there are none.
        facts: A label and a sentence each.
        parts: A line for each part of a claim of several.
    """

    verdict: ClaimVerdict
    outcome: Outcome
    chinese: str
    found: str
    facts: Sequence[tuple[str, str]]
    parts: Sequence[str]

    @property
    def title(self) -> str:
        """The claim's name and sentence, with the marks of its verdict."""
        survives = all(label != MANY for label, _ in self.facts)
        return " ".join([self.verdict.id, self.verdict.says, *marks(self.verdict, survives)])


def claims_facts(verdicts: Sequence[ClaimVerdict]) -> list[ClaimFacts]:
    """Return what a page says of each claim."""
    chinese = chinese_sentences()
    found = zip(verdicts, outcomes(verdicts), judge_together(verdicts).survives, strict=True)
    return [_facts(verdict, outcome, chinese.get(verdict.says, ""), survives) for verdict, outcome, survives in found]


def _facts(verdict: ClaimVerdict, outcome: Outcome, chinese: str, survives: bool | None) -> ClaimFacts:
    part = deciding_part(verdict)
    many = [(MANY, NOT_SURVIVED)] if survives is False else []
    facts = [*_why(verdict, outcome, part), *later_looks(verdict), *many, *_change(verdict, outcome, part)]
    discussion = " ".join(verdict.discussion.split())
    about = [("about", about_text(verdict))] if verdict.about and verdict.parts else []
    facts += [*_on_tasks(part), *about, *([("discussion", discussion)] if discussion else [])]
    parts = list(map(part_text, verdict.parts)) if len(verdict.parts) > 1 else []
    return ClaimFacts(verdict, outcome, chinese, found_text(verdict, part), facts, parts)


def _why(verdict: ClaimVerdict, outcome: Outcome, part: ExpectationResult | None) -> list[tuple[str, str]]:
    old = [("verdict", f"{verdict.verdict} by version 0.1.0")] if verdict.verdict == OLD_WORDS[1] else []
    if verdict.verdict == DEPENDS and part:
        return [("why", f"the tasks disagree: {tasks_text(part.by_task)}")]
    if outcome == DEPENDS:
        return [*old, ("why", "the same claim holds of some datasets of this study and not of others")]
    if outcome != CANNOT_TELL:
        return [*old, *([("missing", verdict.why)] if verdict.why and verdict.parts else [])]
    reason = "" if verdict.reason else verdict.why or _open_text(part)
    return [(WHY, reason)] if reason else []


def _on_tasks(part: ExpectationResult | None) -> list[tuple[str, str]]:
    """Return what a pooled claim finds in each task, and what it says of tasks like these."""
    if part is None or part.other_tasks is None:
        return []
    tasks = [("by task", tasks_text(part.by_task))] if part.verdict != DEPENDS else []
    return [*tasks, ("tasks like these", other_tasks_text(part.other_tasks))]


def _open_text(part: ExpectationResult | None) -> str:
    if part is None or part.verdict != CANNOT_TELL:
        return ""
    return "the interval reaches to both sides of what was expected"


def _change(verdict: ClaimVerdict, outcome: Outcome, part: ExpectationResult | None) -> list[tuple[str, str]]:
    text = change_text(verdict, outcome, part)
    return [("what would change it", text)] if text else []


def change_text(verdict: ClaimVerdict, outcome: Outcome, part: ExpectationResult | None) -> str:
    """Return what would change a verdict, by the margin and by how many seeds may decide; "" where nothing is known."""
    if verdict.verdict == NOT_RUN:
        return "its runs"
    if part is None:
        return "its missing runs" if verdict.why else ""
    if part.verdict == TOO_FEW:
        return f"{part.seeds_needed} seeds or more" if part.seeds_needed else "more seeds"
    if verdict.verdict == DEPENDS:
        return "other tasks; more seeds on these can only tell apart what is open"
    if outcome != CANNOT_TELL:
        return _if_decided(
            part, outcome, "on average over the splits" if verdict.about == NEW_DATA else "in the typical seed"
        )
    if verdict.why:
        return "other runs, or a study that asks otherwise"
    if verdict.about == NEW_DATA:
        return "more rows of data; more seeds cannot narrow the interval for new data"
    return _seeds_text(part)


def _seeds_text(part: ExpectationResult) -> str:
    needed = seeds_to_decide(part)
    if needed is None:
        return "more seeds; how many cannot be told"
    if math.isinf(needed):
        return "more seeds than a study has, if the effect is what was estimated; it lies at what was expected"
    return f"about {needed} seeds{' over all tasks' if part.by_task else ''}, if the effect is what was estimated"


def _if_decided(part: ExpectationResult, outcome: Outcome, where: str) -> str:
    margin = nearest_margin(part)
    if margin is None:
        return ""
    if len(part.margins) > 1:
        return f"an effect {'outside' if outcome == HOLDS else 'of'} {expected(part)} {where}"
    if outcome == OPPOSITE:
        margin = min(margin, 1.0 if part.is_share else 0.0)  # on this side of no effect it is smaller than claimed
    side = "below" if part.effect > margin else "above"
    return f"an effect {side} {effect_alone(part, margin)} {where}"
