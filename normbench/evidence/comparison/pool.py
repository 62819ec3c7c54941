"""Judges the arms of several tasks together: on these tasks, on tasks like these, and where tasks disagree.

The rules are in docs/methods.md, "9. Several tasks".
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from normbench.errors import ComparisonError
from normbench.evidence.comparison.comparison import StudyComparison
from normbench.evidence.comparison.effects import main_metric, metric_by_seed
from normbench.evidence.comparison.pool_baseline import baseline_places
from normbench.evidence.comparison.pool_labels import arm_labels, label_key
from normbench.evidence.comparison.pool_tasks import Place, Task, Tasks, find_tasks
from normbench.evidence.comparison.rows import Row
from normbench.evidence.metrics.differences import differences_of_tasks
from normbench.evidence.metrics.directions import direction
from normbench.evidence.metrics.diverged import Diverged
from normbench.evidence.metrics.scores import run_score
from normbench.evidence.statistics.corrections import seeds_for_a_verdict
from normbench.evidence.statistics.paired_effect import (
    TOO_FEW,
    Better,
    Effect,
    judge_effects,
    paired_effect,
    verdict_word,
)
from normbench.evidence.statistics.pooled_effect import OtherTasks, judge_other_tasks, pooled_effect
from normbench.evidence.statistics.run_scores import ScoreInterval, score_interval
from normbench.evidence.statistics.verdicts.pooling import task_sides
from normbench.storage.study_folder import StudyFolder

DEPENDS = "depends on the task"
Compared = Sequence[tuple[StudyFolder, StudyComparison]]


@dataclass(frozen=True)
class PooledArm:
    """One arm over all tasks.

    Attributes:
        arm: The arm's label.
        num_runs: Number of its runs in all tasks.
        num_diverged: Number of those that diverged.
        num_collapsed: Number of those that collapsed; those that diverged are among them.
        baseline: Label of the arm that it is judged against; "" for a baseline, or where there is none.
        effect: Effect on all seeds of all tasks together; its by_seed is empty, and it has no mean.
        by_task: Effect in each task; p and verdict are corrected over the tasks.
        verdict: Of these tasks together: the effect's, or "depends on the task" where a task is found on another side
            than another task, or than all together.
        other_tasks: What is said of tasks like these.
        score: Interquartile mean of its runs' scores; None where the metric has no scores.
        scores: Its runs' scores in each task; empty where the metric has none.
    """

    arm: str
    num_runs: int
    num_diverged: int
    num_collapsed: int
    baseline: str = ""
    effect: Effect | None = None
    by_task: Sequence[Effect] = ()
    verdict: str = ""
    other_tasks: OtherTasks | None = None
    score: ScoreInterval | None = None
    scores: Sequence[Sequence[float]] = ()


@dataclass(frozen=True)
class Pool:
    """The arms of several tasks.

    Attributes:
        metric: The metric that is compared.
        studies: Names of the studies.
        question: The question of the one study; "" of several.
        tasks: Labels of the tasks.
        key: The one setting in which the arms differ; "" where there are several, or names.
        baseline: Label of the baseline; where arms have several, what they have in common, as it was written.
        arms: The arms, in the order of the first task.
        is_first_baseline: Whether the first arm is the baseline because none is named.
        judges_collapse: Whether a run can collapse without diverging.
        not_learned: A sentence for each task in which more than half of the runs collapsed: then there is no verdict.
    """

    metric: str
    studies: Sequence[str]
    question: str
    tasks: Sequence[str]
    key: str
    baseline: str
    arms: Sequence[PooledArm]
    is_first_baseline: bool = False
    judges_collapse: bool = False
    not_learned: Sequence[str] = ()

    @property
    def judged(self) -> list[PooledArm]:
        """The arms that are judged against another."""
        return [arm for arm in self.arms if arm.effect]


def pool_studies(compared: Compared) -> Pool:
    """Pool the arms of one study over its datasets, or of several studies.

    Args:
        compared: Each study with its comparison, in which the baseline is resolved.

    Raises:
        ComparisonError: The tasks, arms, baselines or metrics are not such that they can be pooled.
        RunFolderError: A file is missing or was changed.
    """
    tasks = find_tasks([comparison for _, comparison in compared])
    metric = _one_metric(tasks.tasks)
    arms = {place: _with_scores(label, tasks, place, metric, compared) for place, label in arm_labels(tasks).items()}
    judged, first = _with_verdicts(arms, tasks, metric), compared[0][1]
    baselines = {arm.baseline for arm in judged if arm.baseline}
    return Pool(
        metric=metric,
        studies=[comparison.study for _, comparison in compared],
        question=first.question if len(compared) == 1 else "",
        tasks=[task.label for task in tasks.tasks],
        key=label_key(tasks),
        baseline=baselines.pop() if len(baselines) == 1 else str(first.baseline),
        arms=judged,
        is_first_baseline=not any(comparison.against for _, comparison in compared),
        judges_collapse=any(comparison.judges_collapse for _, comparison in compared),
        not_learned=_not_learned(tasks.tasks),
    )


def _not_learned(tasks: Sequence[Task]) -> list[str]:
    said = [(task.label, task.comparison.not_learned) for task in tasks]
    return [f"{label}{sentence.removeprefix('This task')}" for label, sentence in said if sentence]


def _one_metric(tasks: Sequence[Task]) -> str:
    """Return the metric of all tasks.

    Raises:
        ComparisonError: There is none, tasks have different ones, or one has no value of it.
    """
    found = {task.label: main_metric(task.comparison) for task in tasks}
    metrics = list(dict.fromkeys(found.values()))
    if len(metrics) > 1 or metrics[0] is None:
        said = ", ".join(f"{metric or 'none'} in {label}" for label, metric in found.items())
        raise ComparisonError(f"--pool: every task must be judged by one metric, got {said}. Add --metric test_loss.")
    for task in tasks:
        for row in task.rows.values():
            values = row.figures[metrics[0]].values
            if all(math.isnan(value) and not isinstance(value, Diverged) for value in values):
                rule = f"every task must have the metric, got no {metrics[0]} of {row.arm} in {task.label}"
                raise ComparisonError(f"--pool: {rule}. Add --metric test_loss.")
    return metrics[0]


def _with_scores(label: str, tasks: Tasks, place: Place, metric: str, compared: Compared) -> PooledArm:
    rows = [task.rows[place] for task in tasks.tasks]
    arm = PooledArm(
        label,
        num_runs=sum(len(row.seeds) for row in rows),
        num_diverged=sum(row.num_diverged for row in rows),
        num_collapsed=sum(row.num_collapsed for row in rows),
    )
    scores = [_scores(row, metric, compared) for row in rows]
    if any(score is None for of in scores for score in of):
        return arm
    known = [[score for score in of if score is not None] for of in scores]
    return replace(arm, score=score_interval(known), scores=known)


def _scores(row: Row, metric: str, compared: Compared) -> list[float | None]:
    runs = next(arm.runs for study, _ in compared for arm in study.arms if str(arm.folder) == row.folder)
    return [run_score(run, metric, value) for run, value in zip(runs, row.figures[metric].values, strict=True)]


def _with_verdicts(arms: Mapping[Place, PooledArm], tasks: Tasks, metric: str) -> list[PooledArm]:
    """Add what is found of each arm that has a baseline; p values are corrected over these arms.

    Where a task was not learned there is no effect: a difference between failed runs is none between the arms.
    """
    pairs, better = baseline_places(tasks), direction(metric)
    if _not_learned(tasks.tasks):
        return [replace(arm, baseline=arms[pairs[place]].arm if place in pairs else "") for place, arm in arms.items()]
    read = [_differences(metric, tasks, place, base) for place, base in pairs.items()]
    values = [[list(differences.values()) for differences in by_task] for by_task, _ in read]
    pooled = [pooled_effect(metric, of, is_ratio=is_ratio) for of, (_, is_ratio) in zip(values, read, strict=True)]
    together, others = judge_effects(pooled, better), judge_other_tasks(values, better)
    judged = dict(arms)
    for (place, base), effect, other, found in zip(pairs.items(), together, others, read, strict=True):
        by_task = _task_effects(metric, *found, better)
        words = {one.verdict for one in (effect, *by_task)}
        depends = {"better", "worse"} <= words or {"higher", "lower"} <= words
        judged[place] = replace(
            arms[place],
            baseline=arms[base].arm,
            effect=effect,
            by_task=by_task,
            verdict=DEPENDS if depends else effect.verdict,
            other_tasks=other,
        )
    return list(judged.values())


def _differences(metric: str, tasks: Tasks, place: Place, base: Place) -> tuple[list[dict[int, float]], bool]:
    pairs = [
        (metric_by_seed(task.rows[place], metric), metric_by_seed(task.rows[base], metric)) for task in tasks.tasks
    ]
    found, is_ratio = differences_of_tasks(metric, pairs)
    for task, differences in zip(tasks.tasks, found, strict=True):
        if not differences:
            rule = "every task must have seeds that an arm and its baseline share, got none"
            arms = f"{task.rows[place].arm} and {task.rows[base].arm} in {task.label}"
            raise ComparisonError(f"--pool: {rule} of {arms}. Run both on the same seeds.")
    return found, is_ratio


def _task_effects(metric: str, tasks: Sequence[Mapping[int, float]], is_ratio: bool, better: Better) -> list[Effect]:
    """Return the effect in each task; its verdict is the side on which it is found after correction over the tasks."""
    effects = [paired_effect(metric, differences, is_ratio=is_ratio) for differences in tasks]
    sides = task_sides([list(differences.values()) for differences in tasks])
    fewest = seeds_for_a_verdict(len(tasks))
    return [
        replace(effect, p_corrected=p, verdict=verdict_word(side, better))
        if effect.n >= fewest
        else replace(effect, p_corrected=p, verdict=TOO_FEW, seeds_needed=fewest)
        for effect, (side, p) in zip(effects, sides, strict=True)
    ]
