"""Writes a paragraph for a paper on how several tasks were pooled."""

from collections.abc import Sequence

from normbench.evidence.comparison.comparison import StudyComparison
from normbench.evidence.comparison.pool import Pool
from normbench.evidence.statistics.pooled_effect import NOT_JUDGED, TOO_FEW_TASKS
from normbench.report.blocks.numbers import metric_title
from normbench.report.pages.methods import methods_paragraph

SCORES = (
    "Scores of runs are the way from the constant predictor (0) to no error (1), not below 0; figures are "
    "interquartile means with 95 % stratified bootstrap intervals (Agarwal et al., 2021)."
)

DEPENDENCE = (
    "An arm depends on the task where it is better in one and worse in another, p of each side corrected by Holm's "
    "method over the tasks."
)


def pool_paragraph(pool: Pool, comparisons: Sequence[StudyComparison]) -> str:
    """Return one paragraph: tasks, both tests and their corrections, scores, and what each study was.

    Args:
        pool: The arms over all tasks.
        comparisons: Each study without effects.
    """
    number = len(pool.judged)
    holm = f", corrected by Holm's method over the {number} arms" if number > 1 else ""
    sentences = [
        f"{len(pool.tasks)} tasks ({', '.join(pool.tasks)}) are pooled by {metric_title(pool.metric)}.",
        *([_on_these(pool, holm), _on_others(pool, holm), DEPENDENCE] if pool.judged else _no_verdict(pool)),
        SCORES if any(arm.score for arm in pool.arms) else "",
        *map(methods_paragraph, comparisons),
    ]
    return " ".join(sentence for sentence in sentences if sentence)


def _no_verdict(pool: Pool) -> list[str]:
    return [*pool.not_learned, "No verdict is given."]


def _on_these(pool: Pool, holm: str) -> str:
    is_ratio = any(arm.effect.is_ratio for arm in pool.judged if arm.effect)
    of = "log ratios" if is_ratio else "differences"
    effect = "The effect is the median of the averages of two seeds of one task, with the interval of the test."
    start = f"On these tasks: {of} against {pool.baseline}, paired by seed,"
    rules = [arm.effect.rule for arm in pool.judged if arm.effect]
    if any(rule.kind == "any time" for rule in rules):
        process = "p is 2 over the largest value so far of the sign e-process over the seeds of all tasks"
        return f"{start} are judged by a test that is right at any number of seeds: {process}{holm}. {effect}"
    level = max((rule.level for rule in rules if rule.kind == "check"), default=0.0)
    checked = f"; a verdict is given where p <= {level:.4f}, as several checks were planned" if level else ""
    return (
        f"{start} are ranked within each task and the rank sums added (van Elteren, 1960); p is the larger of the "
        f"exact p of this sum and half the p of the exact sign test over all seeds, two-sided{holm}{checked}. {effect}"
    )


def _on_others(pool: Pool, holm: str) -> str:
    found = [arm.other_tasks for arm in pool.judged if arm.other_tasks]
    if any(other.verdict == TOO_FEW_TASKS for other in found):
        return f"Nothing is said of other tasks, for which {found[0].tasks_needed} tasks are needed."
    if any(other.verdict == NOT_JUDGED for other in found):
        return "Nothing is said of other tasks."
    return (
        "On tasks like these: the same test with one number per task, its pseudo-median over its median absolute "
        f"difference{holm}."
    )
