"""Judges the arms of several tasks together: on these tasks, on tasks like these, and where tasks disagree.

The rules are in docs/methods.md, "9. Several tasks".
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from normbench.errors import ComparisonError
from normbench.evidence.comparison.comparison import StudyComparison
from normbench.evidence.comparison.effects import main_metric
from normbench.evidence.comparison.pool_baseline import baseline_places
from normbench.evidence.comparison.pool_labels import arm_labels, label_key
from normbench.evidence.comparison.pool_tasks import Place, Task, Tasks, find_tasks
from normbench.evidence.comparison.pool_verdicts import judge_arms
from normbench.evidence.comparison.rows import Row
from normbench.evidence.metrics.diverged import Diverged
from normbench.evidence.metrics.scores import run_score
from normbench.evidence.statistics.paired_effect import Effect
from normbench.evidence.statistics.pooled_effect import OtherTasks
from normbench.evidence.statistics.run_scores import ScoreInterval, score_interval
from normbench.evidence.statistics.seed_plan import SeedPlan
from normbench.storage.study_folder import StudyFolder

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
        verdict: Of these tasks together: the effect's, or "depends on the task".
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
        seed_plans: How the seeds of each study were asked for.
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
    seed_plans: Sequence[SeedPlan] = ()
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
        seed_plans=[comparison.seed_plan for _, comparison in compared],
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
    """Add what is found of each arm that has a baseline.

    Where a task was not learned there is no effect: a difference between failed runs is none between the arms.
    """
    pairs = baseline_places(tasks)
    based = {
        place: replace(arm, baseline=arms[pairs[place]].arm if place in pairs else "") for place, arm in arms.items()
    }
    if not _not_learned(tasks.tasks):
        for place, found in judge_arms(tasks, pairs, metric).items():
            based[place] = replace(based[place], **vars(found))
    return list(based.values())
