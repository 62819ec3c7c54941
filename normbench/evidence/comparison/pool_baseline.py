"""Finds the arm that each arm is judged against in several tasks: the same one in each of them."""

from normbench.errors import ComparisonError
from normbench.evidence.comparison.baselines import pair_arms
from normbench.evidence.comparison.pool_tasks import Place, Task, Tasks

ADD_BASELINE = "Add --baseline ARM."
Pairs = dict[Place, Place]


def baseline_places(tasks: Tasks) -> Pairs:
    """Return for each arm the arm that it is judged against; neither holds baselines, nor arms without one.

    It is the baseline of the studies, of which some may name none; where none does, the first arm.

    Raises:
        ComparisonError: A task lacks the baseline, or tasks have different ones.
    """
    named = [(task, _pairs(task)) for task in tasks.tasks if task.comparison.against]
    if not named:
        return _against_first(tasks)
    first, pairs = named[0]
    for task, others in named[1:]:
        if others != pairs:
            said = [f"{one.comparison.baseline} in {one.label}" for one in (first, task)]
            rule = f"every task must have the same baseline, got {' and '.join(said)}"
            raise ComparisonError(f"--pool: {rule}. {ADD_BASELINE}")
    return pairs


def _pairs(task: Task) -> Pairs:
    against, places = task.comparison.against, list(task.rows)
    if against is None:
        return {}
    found = pair_arms(task.comparison.arm_set, against)
    pairs = {places[i]: places[j] for i, j in enumerate(found) if j is not None}
    if not pairs:
        rule = f"every task must have the baseline and an arm beside it, got none for {against.said!r} in {task.label}"
        raise ComparisonError(f"--pool: {rule}. Write --baseline without a dataset, or name other studies.")
    return pairs


def _against_first(tasks: Tasks) -> Pairs:
    """Judge all arms against the first, as a study that names no baseline is judged."""
    first, *others = tasks.places
    is_one_question = len(tasks.shown_keys) == 1 or not any(task.comparison.is_plain for task in tasks.tasks)
    if not others or not is_one_question:
        rule = "must have a baseline and an arm beside it, got none"
        raise ComparisonError(f"--pool: {rule}. {ADD_BASELINE}")
    return dict.fromkeys(others, first)
