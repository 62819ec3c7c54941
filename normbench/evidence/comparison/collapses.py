"""CollapseRule: tells which runs of a study collapsed, by the rule that stood in its file before its runs.

The rules are in docs/methods.md, "5. Diverged and collapsed runs".
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from normbench.errors import RunFolderError
from normbench.evidence.metrics.column_kinds import column_direction
from normbench.evidence.metrics.diverged import is_diverged
from normbench.storage.contents.study import StudyContent
from normbench.storage.files.json_files import DELETE_AND_RERUN
from normbench.storage.own_metric import own_metric_of
from normbench.storage.run_folder import Run

TRAIN_LOSS, TRAIN_ACCURACY = "train_loss", "train_accuracy"
SPLITS = ("train", "validation", "test")
METRICS = tuple(f"{split}_{what}" for split in SPLITS for what in ("loss", "accuracy"))
"""What a study may judge collapse by: the last value of a column."""
MASK_METRICS = tuple(f"{split}_{what}" for split in SPLITS for what in ("dice", "iou"))
"""Beside these, in studies of masks."""
LATE_RULE = "collapse_changed_after_runs"
"""Key of study.json: the rule is another than that with which runs of the study had finished."""
LEAST_GAIN = 0.1
"""Share of the way from the constant predictor to a perfect fit that a run has to come."""


def limit_word(metric: str) -> str:
    """Return on which side of a limit a run has collapsed: "below" one of accuracy, "above" one of loss."""
    return "below" if column_direction(metric) == "higher" else "above"


def may_judge(metric: object) -> bool:
    """Return whether collapse can be judged by a column: a usual one, or one of the user's own metric."""
    is_own = isinstance(metric, str) and metric.startswith(SPLITS) and own_metric_of(metric) is not None
    return is_own or metric in (*METRICS, *MASK_METRICS)


@dataclass(frozen=True)
class Limit:
    """A limit on the last value of a column: a run beyond it has collapsed.

    Attributes:
        metric: The column.
        value: The limit.
    """

    metric: str
    value: float

    def __str__(self) -> str:
        """Return the limit in words."""
        return f"{self.metric} {limit_word(self.metric)} {self.value:g}"

    def is_crossed(self, value: float) -> bool:
        """Return whether a value lies beyond the limit, or is not finite."""
        is_beyond = value < self.value if limit_word(self.metric) == "below" else value > self.value
        return is_beyond or not math.isfinite(value)


@dataclass(frozen=True)
class CollapseRule:
    """What a study counts as a collapse.

    Attributes:
        declared: The limit that the study file gives; None where each run's task decides.
        has_limits: Whether a run can collapse without diverging.
        is_quick: Whether the study was run with --quick, in which no run collapses: it is too short to learn.
    """

    declared: Limit | None = None
    has_limits: bool = True
    is_quick: bool = False

    def __str__(self) -> str:
        """Return when a run collapses, as the end of a sentence that begins with "if it"."""
        if not self.has_limits:
            return "diverged"
        if self.declared:
            return f"diverged or ended with a {self.declared}"
        return (
            "diverged or came less than a tenth of the way from the best constant output to a perfect fit in training"
        )

    def limit_of(self, run: Run) -> Limit | None:
        """Return the limit of a run; None where it has none: without targets, without steps, without such a column."""
        if self.is_quick or not self.has_limits or not run.summary["total_steps"]:
            return None
        limit = self.declared or _limit_of_task(run)
        return limit if limit and last_value(run, limit.metric) is not None else None

    def has_collapsed(self, run: Run) -> bool:
        """Return whether a run diverged, ended at a loss or own metric not finite, or ended beyond its limit."""
        if self.is_quick:
            return False
        limit = self.limit_of(run)
        return is_diverged(run) or _is_not_finite(run) or (limit is not None and _is_beyond(run, limit))


BY_TASK = CollapseRule()
"""The rule of a study that declares none."""


def read_collapse_rule(study: StudyContent, path: Path) -> CollapseRule:
    """Read the rule from the content of study.json; ``path`` is the file's name for messages.

    Raises:
        RunFolderError: Its metric does not judge collapse, or has a limit on the side of the better values.
    """
    said, is_quick = study.get("collapse"), "--quick" in study.get("options", ())
    if said is None or said is False:
        return CollapseRule(has_limits=said is None, is_quick=is_quick)
    metric = said["metric"]
    limit = said.get("below") if limit_word(metric) == "below" else said.get("above")
    if limit is None or not may_judge(metric):
        rule = "collapse: must be what a study declares as a collapse"
        raise RunFolderError(f"{path}: {rule}, got {said!r:.60}. {DELETE_AND_RERUN}")
    return CollapseRule(Limit(metric, limit), is_quick=is_quick)


def last_value(run: Run, metric: str) -> float | None:
    """Return the last value of a column, nan for one that was not finite; None where the run has no such column."""
    return _number(run.summary.get("metrics", {}), metric)


def _number(numbers: Mapping[str, float | None], name: str) -> float | None:
    """Return a number of a mapping in summary.json, where null stands for one that is not finite."""
    if name not in numbers:
        return None
    found = numbers[name]
    return math.nan if found is None else found


def _is_not_finite(run: Run) -> bool:
    """Return whether the last training loss, or the user's own metric of the training set, is nan or infinite."""
    columns = [name for name in run.summary.get("metrics", ()) if name.startswith("train_") and own_metric_of(name)]
    values = [last_value(run, name) for name in (TRAIN_LOSS, *columns)]
    return any(value is not None and not math.isfinite(value) for value in values)


def _is_beyond(run: Run, limit: Limit) -> bool:
    value = last_value(run, limit.metric)
    return value is not None and limit.is_crossed(value)


def _limit_of_task(run: Run) -> Limit | None:
    """Return the limit relative to the best constant output on the training set; None without targets."""
    constant = run.summary.get("constant_predictor", {})
    accuracy, loss = (_number(constant, metric) for metric in (TRAIN_ACCURACY, TRAIN_LOSS))
    if accuracy is not None:
        return Limit(TRAIN_ACCURACY, accuracy + LEAST_GAIN * (1 - accuracy))
    return None if loss is None else Limit(TRAIN_LOSS, (1 - LEAST_GAIN) * loss)


def not_learned(num_collapsed: int, num_runs: int, word: str = "collapsed") -> str:
    """Return a sentence where more than half of the runs collapsed, which leaves nothing to compare; else "".

    Example:
        >>> not_learned(13, 24), not_learned(12, 24)
        ('This task was not learned: 13 of 24 runs collapsed.', '')
    """
    if 2 * num_collapsed <= num_runs:
        return ""
    return f"This task was not learned: {num_collapsed} of {num_runs} run{'s' * (num_runs > 1)} {word}."


def collapsed_seeds(runs: Sequence[Run], rule: CollapseRule) -> tuple[int, ...]:
    """Return the seeds whose run collapsed."""
    return tuple(run.seed for run in runs if rule.has_collapsed(run))
