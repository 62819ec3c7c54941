"""Writes the answer of several tasks in words: what holds on these together, what depends, what holds on others."""

from collections.abc import Sequence

from normbench.evidence.comparison.pool import Pool, PooledArm
from normbench.evidence.comparison.selectors import ARM
from normbench.evidence.metrics.directions import direction
from normbench.evidence.statistics.pooled_effect import NOT_JUDGED, TOO_FEW_TASKS
from normbench.evidence.statistics.verdict_rule import INCOMPLETE, NOT_AT_CHECK
from normbench.evidence.statistics.verdict_words import CANNOT_TELL, DEPENDS, TOO_FEW, on_these_rows
from normbench.report.blocks.answer import UNLEARNED_WAY_OUT
from normbench.report.blocks.arm_names import listed, spoken

NOT_YET = {NOT_AT_CHECK: "these seeds are not at a check", INCOMPLETE: "some of the seeds are missing"}
TOGETHER = "all tasks together"


def answers(pool: Pool) -> list[str]:
    """Return what is said of these tasks, and apart from it what is said of tasks like these.

    Where a task was not learned there is neither.
    """
    if pool.not_learned:
        return [f"{' '.join(pool.not_learned)} {UNLEARNED_WAY_OUT}"]
    arms = [(arm, arm.verdict) for arm in pool.judged]
    these = _clauses([(arm, verdict) for arm, verdict in arms if verdict not in (DEPENDS, TOO_FEW, *NOT_YET)], pool)
    parts = [f"On these {len(pool.tasks)} tasks together {these}."] if these else []
    parts += [_dependence(arm, pool) for arm, verdict in arms if verdict == DEPENDS]
    parts += [_no_verdict(verdict, pool) for verdict in (TOO_FEW, *NOT_YET) if verdict in {said for _, said in arms}]
    return [text for text in (" ".join(parts), _on_other_tasks(pool)) if text]


def _no_verdict(verdict: str, pool: Pool) -> str:
    arms = [arm for arm in pool.judged if arm.verdict == verdict]
    who = listed([_spoken(arm.arm, pool) for arm in arms])
    if verdict in NOT_YET:
        return f"No verdict on {who} yet: {NOT_YET[verdict]}."
    needed = max(arm.effect.seeds_needed or 0 for arm in arms if arm.effect)
    return f"Too few seeds for a verdict on {who}: {needed} are needed over all tasks."


def _on_other_tasks(pool: Pool) -> str:
    """Return what is said of tasks like these; nothing where the seeds are not judged yet."""
    found = [(arm, arm.other_tasks) for arm in pool.judged if arm.other_tasks and arm.verdict not in NOT_YET]
    if not found:
        return ""
    if found[0][1].verdict == TOO_FEW_TASKS:
        return f"{len(pool.tasks)} are too few to speak of other tasks: {found[0][1].tasks_needed} are needed."
    if found[0][1].verdict == NOT_JUDGED:
        return "Nothing is said of other tasks, as seeds were added without a plan."
    return f"On tasks like these {_clauses([(arm, other.verdict) for arm, other in found], pool)}."


def _clauses(verdicts: Sequence[tuple[PooledArm, str]], pool: Pool) -> str:
    """Return the arms by verdict: "a and b are better than c; d cannot be told apart from c"."""
    by_verdict: dict[str, list[str]] = {}
    for arm, verdict in verdicts:
        by_verdict.setdefault(verdict, []).append(_spoken(arm.arm, pool))
    return "; ".join(_clause(verdict, names, pool) for verdict, names in by_verdict.items())


def _clause(verdict: str, names: Sequence[str], pool: Pool) -> str:
    baseline = _spoken(pool.baseline, pool)
    if verdict == CANNOT_TELL:
        return f"{listed(names)} cannot be told apart from {baseline}"
    return f"{listed(names)} {'is' if len(names) == 1 else 'are'} {verdict} than {baseline}"


def _dependence(arm: PooledArm, pool: Pool) -> str:
    sides = [f"{word} on {listed(tasks_found(arm, word, pool) or [TOGETHER])}" for word in side_words(pool)]
    return f"{_spoken(arm.arm, pool)} {DEPENDS}: {', '.join(sides)}."


def side_words(pool: Pool) -> tuple[str, str]:
    """Return the words for the two sides: better and worse, or higher and lower where no direction is better."""
    return ("higher", "lower") if direction(pool.metric) is None else ("better", "worse")


def tasks_found(arm: PooledArm, word: str, pool: Pool) -> list[str]:
    """Return the tasks in which an arm was found on a side."""
    said = (word, on_these_rows(word))
    return [task for task, effect in zip(pool.tasks, arm.by_task, strict=True) if effect.verdict in said]


def _spoken(arm: str, pool: Pool) -> str:
    return spoken(pool.key or ARM, arm)
