"""Finds the tasks among studies, one per dataset, and the arms that are the same in each of them.

Arms of one task differ in the settings in question. Arms of two tasks are the same if they agree in all of these,
whatever else differs between tasks. The rules are in docs/methods.md, "9. Several tasks".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from normbench.errors import ComparisonError
from normbench.evidence.comparison.baselines import NOT_COMPARED
from normbench.evidence.comparison.comparison import StudyComparison
from normbench.evidence.comparison.pivot_axes import cell_labels
from normbench.evidence.comparison.rows import Row
from normbench.evidence.comparison.selection import setting_text
from normbench.storage.arm_id import ABSENT, TUNED, comparable, is_at_or_below
from normbench.storage.arm_labels import label_words, short_keys

DATASET = "dataset"
MAX_SHOWN = 8
Place = tuple[object, ...]
"""An arm's values of the settings in question, and which of its keys are tuned: equal for the same arm of two tasks."""


@dataclass(frozen=True)
class Task:
    """The arms of one study on one dataset.

    Attributes:
        label: The dataset, or the study where there are several studies.
        comparison: The study's comparison, with these arms only.
        rows: The arms by their place.
    """

    label: str
    comparison: StudyComparison
    rows: Mapping[Place, Row]


@dataclass(frozen=True)
class Tasks:
    """Tasks with the same arms.

    Attributes:
        tasks: The tasks, in the order of the studies.
        keys: Full keys of the settings in question: those in which arms of one task differ.
    """

    tasks: Sequence[Task]
    keys: Sequence[str]

    @property
    def places(self) -> list[Place]:
        """The arms' places, in the order of the first task."""
        return list(self.tasks[0].rows)

    @property
    def shown_keys(self) -> list[str]:
        """The settings in question that some arm has at another value than its default."""
        changed = {key for task in self.tasks for key in task.comparison.differing}
        return [key for key in self.keys if key in changed]

    @property
    def has_names(self) -> bool:
        """Whether arms have names under ``arms:``."""
        return any(row.name for row in self.tasks[0].rows.values())

    def labels(self) -> dict[Place, str]:
        """Return a label for each arm: the value of the one setting in question, else its name and settings."""
        shown, own = self.shown_keys, self.tasks[0].rows
        if len(shown) == 1 and not self.has_names:
            return {place: ", ".join([_text(row, shown[0]), *_mark(row)]) for place, row in own.items()}
        short = short_keys(shown)
        return {
            place: ",".join([*label_words(row.name, _sets(row, shown), short), *_mark(row)])
            for place, row in own.items()
        }


def _sets(row: Row, keys: Sequence[str]) -> dict[str, Any]:
    """Return the values that make an arm's label: of a named arm those that a grid sets, else all in question."""
    values = {key: row.labelled.id.value(key) for key in keys if not row.name or key in row.sets}
    return {key: value for key, value in values.items() if value is not ABSENT}


def _mark(row: Row) -> list[str]:
    return [str(TUNED)] if row.is_tuned else []


def find_tasks(comparisons: Sequence[StudyComparison]) -> Tasks:
    """Return the tasks of studies, and match their arms.

    Raises:
        ComparisonError: A study has no run, there are fewer than two tasks, a dataset occurs twice, or the arms are not
            the same in all.
    """
    _check_finished(comparisons)
    split = [task for comparison in comparisons for task in _by_dataset(comparison, len(comparisons) > 1)]
    _check_number(split)
    keys = _keys_in_question([comparison for _, comparison in split])
    tasks = [Task(label, comparison, _rows_by_place(label, comparison, keys)) for label, comparison in split]
    for task in tasks[1:]:
        _check_arms(tasks[0], task, keys)
    return Tasks(tasks, keys)


def _check_finished(comparisons: Sequence[StudyComparison]) -> None:
    for comparison in comparisons:
        if not comparison.rows:
            rule = f"every study must have a finished run, got none in {comparison.study}"
            raise ComparisonError(f"--pool: {rule}. Run it: normbench run {comparison.source}")


def _by_dataset(comparison: StudyComparison, has_others: bool) -> list[tuple[str, StudyComparison]]:
    """Split a study by its datasets, with a label for each: the dataset's, the study's, or both."""
    labels = [label for (label,) in cell_labels(comparison, [DATASET])]
    found: dict[str, list[Row]] = {}
    for label, row in zip(labels, comparison.rows, strict=True):
        found.setdefault(label, []).append(row)
    names = {label: f"{comparison.study} {label}" if len(found) > 1 else comparison.study for label in found}
    return [(names[label] if has_others else label, replace(comparison, rows=rows)) for label, rows in found.items()]


def _check_number(split: Sequence[tuple[str, StudyComparison]]) -> None:
    if len(split) < 2:
        named = ", ".join(label for label, _ in split) or "none"
        way_out = "Name several studies, or run one with several datasets under grid:."
        raise ComparisonError(f"--pool: must be over 2 tasks or more, got {named}. {way_out}")
    seen: dict[frozenset[tuple[str, object]], str] = {}
    for label, comparison in split:
        settings = comparison.rows[0].labelled.id.comparable.items()
        dataset = frozenset(pair for pair in settings if is_at_or_below(pair[0], [DATASET]))
        other = seen.setdefault(dataset, label)
        if other != label:
            rule = f"every task must have a dataset of its own, got the same in {other} and {label}"
            raise ComparisonError(f"--pool: {rule}. Their seeds draw the same data: name one of the two.")


def _keys_in_question(comparisons: Sequence[StudyComparison]) -> list[str]:
    """Return the keys in which arms of a task differ, but none that tuning chose, and none that changes no number."""
    sets = [comparison.arm_set for comparison in comparisons]
    left_out = {*NOT_COMPARED, *(key for arms in sets for arm in arms.arms for key in arm.id.tuned)}
    differing = dict.fromkeys(key for arms in sets for key in arms.differing)
    return [key for key in differing if not is_at_or_below(key, left_out)]


def _rows_by_place(label: str, comparison: StudyComparison, keys: Sequence[str]) -> dict[Place, Row]:
    found: dict[Place, Row] = {}
    for row in comparison.rows:
        other = found.setdefault(_place(row, keys), row)
        if other is not row:
            rule = f"the arms of a task must differ, got {other.arm} and {row.arm} with the same settings in {label}"
            raise ComparisonError(f"--pool: {rule}. Choose one with --where.")
    return found


def _place(row: Row, keys: Sequence[str]) -> Place:
    arm = row.labelled.id
    return (arm.tuned, *(comparable(arm.value(key)) for key in keys))


def _check_arms(first: Task, other: Task, keys: Sequence[str]) -> None:
    """Refuse two tasks of which one has an arm that the other does not have.

    Raises:
        ComparisonError: With that arm, and the arms of the other task or the setting in which its namesake differs.
    """
    for task, lacking in ((first, other), (other, first)):
        row = next((row for place, row in task.rows.items() if place not in lacking.rows), None)
        if row is not None:
            rule = (
                f"every task must have the same arms, got {row.arm} in {task.label} and {_instead(row, lacking, keys)}"
            )
            raise ComparisonError(f"--pool: {rule}. Run it in both, or choose arms with --where.")


def _instead(row: Row, task: Task, keys: Sequence[str]) -> str:
    """Return what a task has in place of an arm."""
    others = list(task.rows.values())
    namesake = next((other for other in others if row.name and other.name == row.name), row)
    texts = [(key, _text(row, key), _text(namesake, key)) for key in keys]
    differing = [f"{key} {mine} and {theirs}" for key, mine, theirs in texts if mine != theirs]
    if differing:
        return f"in {task.label} with {', '.join(differing)}"
    return f"in {task.label} only {', '.join(other.arm for other in others[:MAX_SHOWN])}"


def _text(row: Row, key: str) -> str:
    found = row.labelled.id.value(key)
    return "-" if found is ABSENT else setting_text(found)
