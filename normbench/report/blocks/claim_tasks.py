"""Writes of a claim that is pooled over tasks what was found in each, and what is said of tasks like these."""

from collections.abc import Sequence

from normbench.evidence.claims.margin_test import ExpectationResult
from normbench.evidence.claims.tasks_found import OtherTasksFound, TaskFound
from normbench.evidence.statistics.pooled_effect import NOT_JUDGED, TOO_FEW_TASKS


def task_texts(part: ExpectationResult) -> list[str]:
    """Return a line on each task and one on tasks like these; none where a claim is not pooled."""
    if part.other_tasks is None:
        return []
    return [f"by task: {tasks_text(part.by_task)}", f"on tasks like these: {other_tasks_text(part.other_tasks)}"]


def tasks_text(by_task: Sequence[TaskFound]) -> str:
    """Return the tasks with each verdict.

    Example:
        >>> found = [TaskFound(task, 16, 1.2, 1.1, 1.3, 0.01, "holds", 16) for task in ("digits", "wine")]
        >>> tasks_text(found)
        'holds in digits and wine'
    """
    verdicts = dict.fromkeys(task.verdict for task in by_task)
    named = {verdict: [task.task for task in by_task if task.verdict == verdict] for verdict in verdicts}
    return "; ".join(f"{verdict} in {_listed(tasks)}" for verdict, tasks in named.items())


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def other_tasks_text(found: OtherTasksFound) -> str:
    """Return what is said of tasks like these.

    Example:
        >>> other_tasks_text(OtherTasksFound(5, 6, 5, 1.0, "too few tasks"))
        'too few tasks, 5 of the 6 that are needed'
        >>> other_tasks_text(OtherTasksFound(7, 6, 7, 0.015625, "holds"))
        'holds, 7 of 7 tasks, p 0.016'
    """
    if found.verdict == TOO_FEW_TASKS:
        return f"{found.verdict}, {found.num_tasks} of the {found.tasks_needed} that are needed"
    if found.verdict == NOT_JUDGED:
        return f"{found.verdict} on these seeds"
    return f"{found.verdict}, {found.num_held} of {found.num_tasks} tasks, p {found.p_corrected:.2g}"
